package bills;

import java.util.List;

public final class HiddenTest {
    private static void same(List<Long> seen, List<Long> wanted) {
        if (!seen.equals(wanted)) throw new AssertionError(seen + " is not " + wanted);
    }

    private static void refused(Runnable action, String what) {
        try {
            action.run();
        } catch (IllegalArgumentException expected) {
            return;
        }
        throw new AssertionError(what + " was taken");
    }

    public static void main(String[] args) {
        same(Split.evenly(100, 3), List.of(34L, 33L, 33L));
        same(Split.evenly(200, 3), List.of(67L, 67L, 66L));
        same(Split.evenly(-100, 3), List.of(-34L, -33L, -33L));
        same(Split.evenly(0, 2), List.of(0L, 0L));
        same(Split.byWeight(100, List.of(1L, 2L)), List.of(33L, 67L));
        same(Split.byWeight(10, List.of(1L, 1L, 1L, 1L)), List.of(3L, 3L, 2L, 2L));
        same(Split.byWeight(5, List.of(0L, 1L)), List.of(0L, 5L));
        same(Split.evenly(9_007_199_254_740_993L, 1), List.of(9_007_199_254_740_993L));
        same(Split.byWeight(9_000_000_000_000_000_001L, List.of(1L, 1L)), List.of(4_500_000_000_000_000_001L, 4_500_000_000_000_000_000L));
        refused(() -> Split.evenly(100, 0), "nobody");
        refused(() -> Split.byWeight(100, List.of(0L, 0L)), "no weight");
        refused(() -> Split.byWeight(100, List.of(1L, -1L, 3L)), "a negative weight");
        System.out.println("HiddenTest: ok");
    }
}

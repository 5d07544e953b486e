package bills;

import java.util.List;

/** Run by its main method, with assertions on. */
public final class SplitTest {
    public static void main(String[] args) {
        assert Split.evenly(300, 3).equals(List.of(100L, 100L, 100L)) : "three people";
        assert Split.byWeight(1000, List.of(1L, 3L)).equals(List.of(250L, 750L)) : "one to three";
        System.out.println("SplitTest: ok");
    }
}

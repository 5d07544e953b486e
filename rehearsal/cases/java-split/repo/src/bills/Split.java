package bills;

import java.util.ArrayList;
import java.util.List;

/** Splits an amount in cents. Whatever is split, the shares add up to it. */
public final class Split {
    private Split() {}

    /** Equal shares; what does not divide evenly is given to the first ones, a cent each. */
    public static List<Long> evenly(long cents, int people) {
        List<Long> weights = new ArrayList<>();
        for (int i = 0; i < people; i++) weights.add(1L);
        return byWeight(cents, weights);
    }

    /** Shares in proportion to weights, to the cent. */
    public static List<Long> byWeight(long cents, List<Long> weights) {
        long total = weights.stream().mapToLong(Long::longValue).sum();
        List<Long> shares = new ArrayList<>();
        for (long weight : weights) shares.add(Math.round((double) cents * weight / total));
        return shares;
    }
}

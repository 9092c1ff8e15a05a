//! Nothing is replaced while nothing asks for it. `orchestrator-sim --benign --seeds 10000` runs more of them.

use lab::sim::run_benign;

const SEEDS: u64 = 150;

#[test]
fn benign_histories_end_without_a_promotion() {
    for seed in 1..=SEEDS {
        let outcome = run_benign(seed);
        assert_eq!(outcome.promotions, 0, "seed {seed}\n{}", outcome.to_text());
    }
}

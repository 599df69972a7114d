//! One target: its seeds, then as many mutations as are asked for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use test_mutation::generator::Generator;

/// Other inputs with another number in this variable.
const NUMBER: &str = "WHARF_MUTATION_SEED";

pub fn run(target: &str, words: &'static [&'static str], rounds: usize, check: fn(&[u8])) {
    let number = match std::env::var(NUMBER) {
        Ok(text) => text.parse().expect("the seed is a number"),
        Err(_) => 20_240_611,
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut generator = Generator::open(&folder, words, number).expect("there are seeds");
    for seed in generator.seeds() {
        check(seed);
    }
    for round in 0..rounds {
        let input = generator.next_input();
        if catch_unwind(AssertUnwindSafe(|| check(&input))).is_err() {
            let path = std::env::temp_dir().join(format!("{target}-{number}-{round}"));
            std::fs::write(&path, &input).expect("the input can be kept");
            panic!(
                "round {round} of {NUMBER}={number}; the input is in {}",
                path.display()
            );
        }
    }
}

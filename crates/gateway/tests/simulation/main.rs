//! The real gateway, store and proxy against the emulator's real routes, in a world where time, chance, the network, the disk and the
//! processes' lives come from a seed. One seed always tells one story: `SIM_SEED=7 cargo nextest run -p gateway --test
//! simulation one_seed --no-capture` tells the seventh.

#![expect(clippy::disallowed_methods, reason = "the seed comes from the environment")]

mod actors;
mod dice;
mod disk;
mod herd;
mod history;
mod invariants;
mod ledger;
mod network;
mod nodes;
mod peace;
mod returns;
mod runner;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use world::Figures;

/// Tells these seeds' stories; one that ends badly is printed.
fn all_well(seeds: std::ops::Range<u64>) -> Figures {
    let (next, bad) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let sum = Mutex::new(Figures::default());
    let threads = if seeds.end - seeds.start > 100 {
        std::thread::available_parallelism().map_or(1, usize::from)
    } else {
        1
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    match ends_well(seed) {
                        Some(figures) => *sum.lock().expect("no panic") += figures,
                        None => bad.lock().expect("no panic").push(seed),
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().expect("no panic");
    assert!(bad.is_empty(), "seeds that end badly: {bad:?}");
    sum.into_inner().expect("no panic")
}

fn ends_well(seed: u64) -> Option<Figures> {
    match catch_unwind(AssertUnwindSafe(|| world::tell(seed))) {
        Ok(told) if told.faults.is_empty() => Some(told.figures),
        Ok(told) => {
            eprintln!("{}\nseed {seed} ends badly: {:#?}", told.history, told.faults);
            None
        }
        Err(_) => {
            eprintln!("seed {seed} ends in a panic");
            None
        }
    }
}

/// Fifty seeds in a test, so that they run beside each other.
macro_rules! fifty_from {
    ($($name:ident $first:literal)*) => {
        $(#[test]
        fn $name() {
            all_well($first..$first + 50);
        })*
    };
}

fifty_from! {
    the_first_fifty_seeds_end_well 0
    the_second_fifty_seeds_end_well 50
    the_third_fifty_seeds_end_well 100
    the_fourth_fifty_seeds_end_well 150
    the_fifth_fifty_seeds_end_well 200
    the_sixth_fifty_seeds_end_well 250
    the_seventh_fifty_seeds_end_well 300
    the_eighth_fifty_seeds_end_well 350
    the_ninth_fifty_seeds_end_well 400
    the_tenth_fifty_seeds_end_well 450
}

/// The seed of `SIM_SEED`, or as many as `SIM_SEEDS` says, from there on.
#[test]
fn seeds_of_your_own_end_well() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("SIM_SEED").unwrap_or_default();
    let many = number("SIM_SEEDS").unwrap_or(1);
    let figures = all_well(first..first + many);
    println!("figure: simulated seeds | {many}");
    println!(
        "figure: simulated token pairs, lost outside of our reach | {}, {}",
        figures.pairs, figures.lost
    );
    println!("figure: simulated refreshes sent | {}", figures.refreshes);
    println!("figure: simulated kills of a process | {}", figures.kills);
}

#[test]
fn a_seed_tells_the_same_story_twice_to_the_byte() {
    for seed in [1, 2, 3] {
        let (one, other) = (world::tell(seed), world::tell(seed));
        assert_eq!(one.history, other.history, "seed {seed}");
    }
    assert_ne!(world::tell(1).history, world::tell(4).history);
}

//! The whole program as a process, on a prepared SQLite file: standard output, exit code and error text.

/// The cases of a file as tests, each on a SQLite file of its own. Another program runs them on database servers.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name();
            })*
        }
    };
}

mod agents;
mod agents_served;
mod bookkeeping;
mod changes;
mod client;
mod hand_made_rows;
mod mistakes;
mod original_file;
mod program;
mod questions;
mod relocation;
mod service;
mod timing;
mod usage;

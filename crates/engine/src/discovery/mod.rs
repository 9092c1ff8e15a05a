//! Reading servers and keeping the fleet true: one read ([`read`]), when to read ([`schedule`]), and hearing at once
//! that a connection broke ([`watch`]).

mod names;
mod read;
mod schedule;
mod siblings;
mod stillness;
mod watch;

pub use read::ReadError;
pub(crate) use read::check_failure;
pub(crate) use stillness::Stillness;

#[cfg(test)]
mod sizes;

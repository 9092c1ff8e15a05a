//! Telling the world outside: runs the operator's hook commands.
//!
//! Which hooks run, when and with which values is the engine's business; here they are only run, never without a limit.

mod capture;
mod group;
mod shell;

pub use shell::ShellHooks;

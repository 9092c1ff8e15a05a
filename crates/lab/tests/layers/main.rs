//! What holds for the repository as a whole: which crate may know which, which licences come in, and tidiness.

mod architecture;
mod edges;
mod metadata;
mod packages;
mod settings_used;
mod tidy;

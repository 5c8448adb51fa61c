//! For rule authors; none of it is on the request path.

pub mod laws;
pub mod fixture;
pub mod judge;
pub mod property;
pub mod explain;
pub mod update;
pub mod coverage;
pub mod mutants;

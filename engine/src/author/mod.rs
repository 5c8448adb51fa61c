//! For rule authors; none of it is on the request path.

pub mod fixture;
pub mod property;

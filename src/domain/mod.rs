//! The words of the field as types. A value that exists is valid: every constructor checks, and nothing
//! here knows a clock, a database or HTTP.

pub mod actor;
pub mod audit;
pub mod bound_label;
pub mod cylinder;
pub mod date;
pub mod district;
pub mod event;
pub mod finding;
pub mod hold;
pub mod id;
pub mod inspection;
pub mod instant;
pub mod label_code;
pub mod model;
pub mod policy;
pub mod registry;
pub mod said;
mod schema;
pub mod steel;
pub mod stream;
pub mod value;

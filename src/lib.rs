//! Pingma 瓶码.
pub mod clock;
pub mod db;
pub mod domain;
pub mod error;
pub mod gate;
pub mod ledger;

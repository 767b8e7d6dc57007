//! Pingma 瓶码.
pub mod domain;
pub mod gate;

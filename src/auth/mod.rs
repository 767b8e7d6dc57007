//! Who may come in: passwords, tokens, secrets, and the keys behind them.
//!
//! | File | Its job |
//! |------|---------|
//! | [`password`] | what a new password must look like; its hash, and the check against it |
//! | [`backoff`] | how long somebody who fails to log in has to wait |
//! | [`keyring`] | the keys: making and checking the tags of labels, keys for tokens, rotation |
//! | `key_file` | how the keys lie on disk |
//! | [`token`] | access tokens: short-lived, signed, checked without a look into the database |
//! | [`secret`] | refresh tokens and device keys: random, stored only as a digest |
//! | [`permission`] | who may do what: role × action × scope |
//!
//! Nothing here knows the database, HTTP, or what time it is: time and chance come in as arguments. What a
//! token proves is who somebody *was* when it was made; whether the session still stands and what its user may
//! do is looked up with every call.

pub mod backoff;
mod key_file;
pub mod keyring;
pub mod password;
pub mod permission;
pub mod secret;
pub mod token;

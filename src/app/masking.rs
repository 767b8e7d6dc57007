//! What is kept back of serial numbers: their end answers the stamp challenge, and is to be read from the steel.

use serde_json::Value;

use crate::domain::actor::{Actor, Role};
use crate::domain::cylinder::without_end;

/// Whether somebody is asked for the stamp, and so is not shown the end of serial numbers.
pub fn hides_serial_end(actor: &Actor) -> bool {
    (actor.has(Role::FillOperator) || actor.has(Role::FillChecker)) && !actor.has(Role::OrgAdmin)
}

/// The data of an event with the end of every serial number kept back.
pub fn masked(mut data: Value) -> Value {
    let serial_no = data.pointer_mut("/stamp/serial_no");
    if let Some(serial_no) = serial_no
        && let Some(masked) = serial_no.as_str().map(without_end)
    {
        *serial_no = Value::String(masked);
    }
    data
}

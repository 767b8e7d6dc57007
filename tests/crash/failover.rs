//! The primary of a PostgreSQL with a synchronous standby is killed under load, the standby promoted: nothing acknowledged is lost.

use std::process::Command;

#[test]
fn what_was_acknowledged_is_in_the_promoted_standby() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/failover.sh");
    let mut command = Command::new("bash");
    command
        .arg(script)
        .env("PINGMA_FAILOVER_BIN", env!("CARGO_BIN_EXE_pingma"))
        .env("PINGMA_FAILOVER_ACKS", "20")
        .env("PINGMA_FAILOVER_FSYNC", "off");
    let ended = command.output().expect("bash runs");
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{out}{err}");
    print!("{out}");
}

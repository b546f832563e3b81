//! Reading `/proc` (`proc_pid_stat(5)`, `proc_pid_environ(5)`).

use std::fs;
use std::io::{self, Read as _};

/// What identifies a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// In clock ticks since the machine started (field 22).
    pub(super) start_time: u64,
    /// The number of the group's leader (field 5).
    pub(super) group: i32,
    /// It has ended and was not waited for (field 3).
    pub(super) zombie: bool,
}

/// Environments are not read beyond this.
const ENVIRON_LIMIT: u64 = 1024 * 1024;

pub(super) fn stat(pid: i32) -> io::Result<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_stat(&text).ok_or_else(|| io::Error::other("/proc/<pid>/stat is not understood"))
}

/// The second field is the program's name in parentheses and may hold anything.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        group: fields.get(2)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// The numbers of all processes.
pub(super) fn pids() -> io::Result<Vec<i32>> {
    Ok(fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect())
}

/// The environment a process was started with; None when it may not be read or is gone.
pub(super) fn environ(pid: i32) -> Option<Vec<(String, String)>> {
    let mut bytes = Vec::new();
    fs::File::open(format!("/proc/{pid}/environ"))
        .ok()?
        .take(ENVIRON_LIMIT)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(
        bytes
            .split(|byte| *byte == 0)
            .filter_map(|entry| {
                let (name, value) = str::from_utf8(entry).ok()?.split_once('=')?;
                Some((name.to_owned(), value.to_owned()))
            })
            .collect(),
    )
}

/// Names this start of the machine: numbers and start times mean nothing in the next one.
pub(super) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_is_no_trap() {
        let tail = "1 77 77 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 8812 2 3";
        let stat = parse_stat(&format!("77 (a) S 9 9 (b)) Z {tail}")).unwrap();
        assert_eq!((stat.group, stat.start_time, stat.zombie), (77, 8812, true));
        assert_eq!(parse_stat(""), None);
        assert_eq!(parse_stat("1 (x) S 1"), None);
    }

    #[test]
    fn our_own_process_is_found() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(pids().unwrap().contains(&pid));
        assert!(!stat(pid).unwrap().zombie);
        assert!(environ(pid).is_some());
    }
}

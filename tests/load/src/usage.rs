//! What processes use, from /proc: CPU time and memory.

use std::fs;

use anyhow::{Context, Result};

/// Linux counts CPU time in hundredths of a second, whatever the kernel's own tick.
const TICK_US: u64 = 10_000;

#[derive(Clone, Copy, Debug)]
struct Stat {
    pid: u32,
    parent: u32,
    /// Of the process alone.
    own_cpu_us: u64,
    /// With that of the children it waited for.
    cpu_us: u64,
}

/// CPU time of a process, of what it waited for, and of its children that run.
pub(crate) fn cpu_us(pid: u32) -> u64 {
    processes().iter().filter(|stat| stat.pid == pid || stat.parent == pid).map(|stat| stat.cpu_us).sum()
}

/// CPU time of this process, without its children's.
pub(crate) fn own_cpu_us() -> u64 {
    stat(std::process::id()).map_or(0, |stat| stat.own_cpu_us)
}

/// The process that started this backend, if it is PostgreSQL on this machine.
pub(crate) fn postmaster_of(backend: u32) -> Option<u32> {
    let parent = stat(backend)?.parent;
    let is_postgres =
        |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "postgres");
    (is_postgres(backend) && is_postgres(parent)).then_some(parent)
}

/// Resident now.
pub(crate) fn memory_mib(pid: u32) -> Result<f64> {
    status_mib(pid, "VmRSS:")
}

/// The most that was ever resident.
pub(crate) fn peak_memory_mib(pid: u32) -> Result<f64> {
    status_mib(pid, "VmHWM:")
}

fn status_mib(pid: u32, field: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).context("reading a process's memory")?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).context("a process without memory")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("reading a process's memory")?;
    Ok(kib / 1_024.0)
}

fn processes() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(stat).collect()
}

fn stat(pid: u32) -> Option<Stat> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name stands in parentheses and may contain anything; what is counted stands after the last of them.
fn parse(pid: u32, text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.get(text.rfind(')')? + 2..)?.split(' ').collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let ticks_us = |places: std::ops::Range<usize>| places.filter_map(number).sum::<u64>() * TICK_US;
    let parent = u32::try_from(number(1)?).ok()?;
    Some(Stat { pid, parent, own_cpu_us: ticks_us(11..13), cpu_us: ticks_us(11..15) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let text = "7 (a) (b) S 3 7 7 0 -1 4194304 100 0 0 0 5 6 7 8 20 0 1 0 100 1000 10";
        let stat = parse(7, text).unwrap();
        assert_eq!((stat.parent, stat.own_cpu_us, stat.cpu_us), (3, 11 * TICK_US, 26 * TICK_US));
    }
}

//! Whether each source was asked for at each of its instants, and how late.

use crate::upstream::Poll;

/// What came of the instants of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Punctuality {
    pub(crate) due: u64,
    /// Instants without a request.
    pub(crate) missed: u64,
    /// Requests beyond one for each instant.
    pub(crate) doubled: u64,
    /// Of those that were made, sorted.
    pub(crate) late_us: Vec<u32>,
}

/// Source `n` is due at `instants_us[n]` and every `interval_us` from and before then. What is due in the last interval
/// of the stretch is left out: it may still be on its way.
pub(crate) fn of(instants_us: &[i64], interval_us: i64, (from_us, to_us): (i64, i64), polls: &[Poll]) -> Punctuality {
    let mut arrivals: Vec<Vec<i64>> = vec![Vec::new(); instants_us.len()];
    for poll in polls {
        if let Some(of_source) = arrivals.get_mut(poll.number) {
            of_source.push(poll.at_us);
        }
    }
    let mut found = Punctuality::default();
    for (instant_us, arrivals) in instants_us.iter().zip(&mut arrivals) {
        arrivals.sort_unstable();
        let first_us = from_us + (instant_us - from_us).rem_euclid(interval_us);
        let mut due_us = first_us;
        while due_us + interval_us <= to_us {
            let within = arrivals.iter().filter(|at_us| (due_us..due_us + interval_us).contains(*at_us));
            let within: Vec<i64> = within.copied().collect();
            found.due += 1;
            match within.first() {
                Some(at_us) => found.late_us.push(u32::try_from(at_us - due_us).unwrap_or(u32::MAX)),
                None => found.missed += 1,
            }
            found.doubled += within.len().saturating_sub(1) as u64;
            due_us += interval_us;
        }
    }
    found.late_us.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(number: usize, at_us: i64) -> Poll {
        Poll { number, at_us, conditional: true }
    }

    #[test]
    fn each_instant_is_looked_for() {
        // Source 0 is due at 5, 15, 25; source 1 at 9, 19, 29. Of 10 to 40 the last ten are left out.
        let polls = [poll(0, 16), poll(0, 17), poll(0, 27), poll(1, 24), poll(1, 60)];
        let found = of(&[5, 9], 10, (10, 40), &polls);
        assert_eq!(found, Punctuality { due: 4, missed: 1, doubled: 1, late_us: vec![1, 2, 5] });
    }
}

//! What was sent, what was answered, and what arrived, of one run.

use std::time::Instant;

/// One event of the run; its place in the list is its number.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    accepted: bool,
    arrivals: u32,
}

#[derive(Debug)]
pub(crate) struct Tally {
    /// Which run: what arrives late from an earlier one is not counted.
    pub(crate) run: u64,
    begun: Instant,
    sent: Vec<Sent>,
    accept_us: Vec<u32>,
    arrive_us: Vec<u32>,
    last_arrival: Option<Instant>,
    accepted: u64,
    owed: u64,
    refused: u64,
    first_refusal: Option<String>,
}

/// The figures of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<String>,
    pub(crate) delivered: u64,
    pub(crate) lost: u64,
    pub(crate) duplicates: u64,
    pub(crate) deliveries_per_s: f64,
    pub(crate) accept_p50_ms: f64,
    pub(crate) accept_p99_ms: f64,
    pub(crate) end_to_end_p50_ms: f64,
    pub(crate) end_to_end_p99_ms: f64,
}

impl Tally {
    pub(crate) fn new(run: u64) -> Self {
        Self {
            run,
            begun: Instant::now(),
            sent: Vec::with_capacity(100_000),
            accept_us: Vec::with_capacity(100_000),
            arrive_us: Vec::with_capacity(100_000),
            last_arrival: None,
            accepted: 0,
            owed: 0,
            refused: 0,
            first_refusal: None,
        }
    }

    /// The number of the next event, which waits since `at`.
    pub(crate) fn next(&mut self, at: Instant) -> usize {
        self.sent.push(Sent { at, accepted: false, arrivals: 0 });
        self.sent.len() - 1
    }

    pub(crate) fn accepted(&mut self, number: usize) {
        let Some(sent) = self.sent.get_mut(number) else { return };
        sent.accepted = true;
        self.accepted += 1;
        self.owed += u64::from(sent.arrivals == 0);
        self.accept_us.push(micros_since(sent.at));
    }

    /// An answer that is not 2xx, or none.
    pub(crate) fn refused(&mut self, why: String) {
        self.refused += 1;
        self.first_refusal.get_or_insert(why);
    }

    pub(crate) fn arrived(&mut self, number: usize) {
        let Some(sent) = self.sent.get_mut(number) else { return };
        sent.arrivals += 1;
        if sent.arrivals == 1 {
            self.arrive_us.push(micros_since(sent.at));
            self.owed -= u64::from(sent.accepted);
            self.last_arrival = Some(Instant::now());
        }
    }

    /// Accepted and not arrived.
    pub(crate) const fn owed(&self) -> u64 {
        self.owed
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let delivered = self.arrive_us.len();
        let span_s = self.last_arrival.map_or(0.0, |last| (last - self.begun).as_secs_f64());
        let (mut accept_us, mut arrive_us) = (self.accept_us.clone(), self.arrive_us.clone());
        accept_us.sort_unstable();
        arrive_us.sort_unstable();
        Outcome {
            accepted: self.accepted,
            refused: self.refused,
            first_refusal: self.first_refusal.clone(),
            delivered: delivered as u64,
            lost: self.owed,
            duplicates: self.sent.iter().map(|sent| u64::from(sent.arrivals.saturating_sub(1))).sum(),
            deliveries_per_s: if span_s > 0.0 { delivered as f64 / span_s } else { 0.0 },
            accept_p50_ms: quantile_ms(&accept_us, 0.50),
            accept_p99_ms: quantile_ms(&accept_us, 0.99),
            end_to_end_p50_ms: quantile_ms(&arrive_us, 0.50),
            end_to_end_p99_ms: quantile_ms(&arrive_us, 0.99),
        }
    }
}

fn micros_since(at: Instant) -> u32 {
    u32::try_from(at.elapsed().as_micros()).unwrap_or(u32::MAX)
}

/// Of a sorted list: the smallest value that the share `q` of all does not exceed.
pub(crate) fn quantile_ms(sorted_us: &[u32], q: f64) -> f64 {
    let rank = (sorted_us.len() as f64 * q).ceil().max(1.0) as usize;
    sorted_us.get(rank - 1).map_or(0.0, |us| f64::from(*us) / 1_000.0)
}

/// The middle one; of an even number the lower of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_and_did_not_arrive_is_lost() {
        let mut tally = Tally::new(1);
        let numbers: Vec<usize> = (0..3).map(|_| tally.next(Instant::now())).collect();
        tally.accepted(numbers[0]);
        tally.arrived(numbers[0]);
        tally.arrived(numbers[0]);
        // It may arrive before its answer does.
        tally.arrived(numbers[1]);
        tally.accepted(numbers[1]);
        tally.accepted(numbers[2]);
        let outcome = tally.outcome();
        assert_eq!((outcome.accepted, outcome.delivered, outcome.lost, outcome.duplicates), (3, 2, 1, 1));
    }

    #[test]
    fn quantiles_and_medians_are_values_that_were_measured() {
        let micros: Vec<u32> = (1..=200).map(|ms| ms * 1_000).collect();
        assert_eq!((quantile_ms(&micros, 0.5), quantile_ms(&micros, 0.99), quantile_ms(&[], 0.5)), (100.0, 198.0, 0.0));
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    }
}

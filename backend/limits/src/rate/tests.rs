//! One bucket, its rate, and its share, under a clock that the tests move.

use governor::clock::FakeRelativeClock;

use super::*;

fn limiter(per_s: u32, burst: u32, share: u32) -> (RateLimiter<FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    (RateLimiter::with_clock(per_s, burst, share, clock.clone()), clock)
}

fn passed(limiter: &RateLimiter<FakeRelativeClock>) -> usize {
    std::iter::repeat_with(|| limiter.check()).take_while(Result::is_ok).count()
}

#[test]
fn the_burst_passes_and_then_the_rate() {
    let (limiter, clock) = limiter(10, 5, 1);
    assert_eq!(passed(&limiter), 5);
    assert_eq!(limiter.check(), Err(Duration::from_millis(100)));
    clock.advance(Duration::from_millis(60));
    assert_eq!(limiter.check(), Err(Duration::from_millis(40)));
    clock.advance(Duration::from_millis(40));
    assert_eq!(passed(&limiter), 1);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(passed(&limiter), 5);
}

#[test]
fn three_replicas_share_one_per_second() {
    let (limiter, clock) = limiter(1, 1, 3);
    assert_eq!(passed(&limiter), 1);
    assert_eq!(limiter.check(), Err(Duration::from_secs(3)));
    clock.advance(Duration::from_secs(3));
    assert_eq!(passed(&limiter), 1);
}

#[test]
fn a_burst_is_shared_too_but_never_below_one() {
    assert_eq!(passed(&limiter(100, 10, 4).0), 2);
    assert_eq!(passed(&limiter(100, 2, 7).0), 1);
    assert_eq!(passed(&limiter(0, 0, 0).0), 1);
    assert_eq!(passed(&limiter(u32::MAX, 3, 1).0), 3);
    assert!(limiter(1, 1, u32::MAX).0.check().is_ok());
}

#[test]
fn a_change_of_share_gives_no_fresh_burst() {
    let (limiter, clock) = limiter(10, 10, 1);
    assert_eq!(passed(&limiter), 10);
    limiter.set_share(2);
    assert_eq!(limiter.check(), Err(Duration::from_millis(200)));
    limiter.set_share(1);
    assert_eq!(limiter.check(), Err(Duration::from_millis(100)));
    clock.advance(Duration::from_millis(300));
    limiter.set_share(2);
    assert_eq!(passed(&limiter), 3, "what was saved goes over");
    clock.advance(Duration::from_secs(60));
    limiter.set_share(5);
    assert_eq!(passed(&limiter), 2, "as far as it fits");
}

#[test]
fn the_real_clock_works() {
    let limiter = RateLimiter::new(1, 2, 1);
    assert!(limiter.check().is_ok() && limiter.check().is_ok());
    assert!(limiter.check().is_err_and(|wait| wait <= Duration::from_secs(1)));
}

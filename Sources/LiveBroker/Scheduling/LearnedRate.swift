// SPDX-License-Identifier: Apache-2.0

/// The dials per second that the service is believed to take.
///
/// | situation | rate |
/// | --- | --- |
/// | demand, nothing refused, below the threshold | doubles every half second (slow start) |
/// | demand, nothing refused, above the threshold | grows by 4 % a second, and twice as fast after each quiet second, up to the pace of slow start |
/// | a refusal | becomes slightly less than the accepted rate as measured, and follows that measure until an answer to a dial made at the new rate comes |
/// | no demand, or too little to test it | stays; after 10 s it begins anew at the initial rate, after 5 min all is forgotten |
///
/// Two things make it settle instead of swing. Under overload the *accepted* rate is the capacity,
/// so it is measured instead of guessed by halving. And growth never passes twice what is being
/// accepted, so a service that answers slowly is not flooded before its first answer.
struct LearnedRate: Sendable {
  private static let slowStart = 1.386  // natural logarithm of 2, twice a second
  private static let firstGrowth = 0.04
  private static let belowMeasured = 0.97
  /// How much weight the rate so far has against the answers that have come: a single refusal among
  /// a handful of answers must not bring the rate down to nothing.
  private static let prior = 8.0
  private static let staleAfter: Int64 = 10_000_000_000
  private static let forgottenAfter: Int64 = 300_000_000_000

  private struct Recovery {
    var since: EngineInstant
    var peak: Double
  }

  private let initial: Double
  private let minimum: Double
  private let maximum: Double
  private(set) var perSecond: Double
  /// Below it the service is expected to take what comes.
  private var threshold = Double.infinity
  private var answers = AnswerWindow()
  private var recovery: Recovery?
  /// Seconds of tested, undisturbed growth.
  private var quiet = 0.0
  /// Since when demand has been waiting for this rate; the rate grows only then.
  private var limitedSince: EngineInstant?
  /// When demand last tested the rate.
  private var testedAt: EngineInstant?
  private var heldUntil = EngineInstant.zero

  init(_ configuration: AdmissionConfiguration) {
    maximum = max(0.001, configuration.maximumDialsPerSecond)
    minimum = min(maximum, max(0.001, configuration.minimumDialsPerSecond))
    initial = min(maximum, max(minimum, configuration.initialDialsPerSecond))
    perSecond = initial
  }

  /// Nanoseconds between two dials.
  var interval: Int64 { Int64(1e9 / perSecond) }

  /// Time has passed. Called before anything else that happens at `now`.
  mutating func timePassed(to now: EngineInstant) {
    if limitedSince != nil {
      grow(to: now)
    } else {
      forgetIfStale(at: now)
    }
  }

  /// Says whether demand waits for this rate from now on.
  mutating func demandWaits(_ waits: Bool, at now: EngineInstant) {
    limitedSince = waits ? now : nil
    if waits { testedAt = now }
  }

  mutating func accepted(grantedAt: EngineInstant, at now: EngineInstant) {
    answers.record(accepted: true, at: now, rate: perSecond)
    guard let recovery else { return }
    guard grantedAt >= recovery.since else { return followMeasure(recovery, at: now) }
    // The service takes the new rate. What it took before is worth trying again, but carefully.
    self.recovery = nil
    quiet = 0
    lowerThreshold(recovery)
  }

  mutating func refused(grantedAt: EngineInstant, at now: EngineInstant) {
    answers.record(accepted: false, at: now, rate: perSecond)
    testedAt = now
    let current: Recovery
    if let recovery, grantedAt < recovery.since {
      current = recovery
    } else {
      if let recovery { lowerThreshold(recovery) }
      current = Recovery(since: now, peak: perSecond)
    }
    recovery = current
    followMeasure(current, at: now)
  }

  /// Does not test the limit again before `instant`, because the last test was expensive.
  mutating func hold(until instant: EngineInstant) { heldUntil = max(heldUntil, instant) }

  /// The service was out of reach and is back: begin low, expect what it took before.
  mutating func restart() {
    if recovery == nil, perSecond > initial { threshold = min(threshold, perSecond) }
    perSecond = min(perSecond, initial)
    recovery = nil
    quiet = 0
    answers = AnswerWindow()
  }

  /// A service that refuses nearly everything says nothing about its capacity: it is out of order,
  /// and once it is back it is expected to take what it took before.
  private mutating func lowerThreshold(_ recovery: Recovery) {
    guard !answers.isOutage else { return }
    threshold = max(perSecond, min(threshold, recovery.peak) / 2)
  }

  private mutating func followMeasure(_ recovery: Recovery, at now: EngineInstant) {
    let count = Double(answers.accepted) + Self.prior
    let seconds = answers.seconds(at: now) + Self.prior / recovery.peak
    let measured = seconds > 0 ? count / seconds : .infinity
    perSecond = min(recovery.peak, max(minimum, Self.belowMeasured * measured))
  }

  private mutating func grow(to now: EngineInstant) {
    guard let since = limitedSince, now > since else { return }
    limitedSince = now
    testedAt = now
    guard recovery == nil, perSecond.isFinite else { return }
    // A process that was stopped for a while has not been testing anything in the meantime.
    let seconds = min(0.25, Double(since.duration(to: now).nanoseconds) / 1e9)
    guard perSecond < threshold || now >= heldUntil else { return }
    quiet += seconds
    let ceiling = min(maximum, max(initial, 2 * answers.acceptedPerSecond(at: now)))
    guard perSecond < ceiling else { return }
    perSecond = min(ceiling, perSecond * (1 + growth * seconds))
  }

  /// Relative growth per second.
  private var growth: Double {
    guard perSecond >= threshold else { return Self.slowStart }
    guard quiet < 8 else { return Self.slowStart }
    let whole = Int(quiet)
    let doubled = Self.firstGrowth * Double(1 << whole) * (1 + quiet - Double(whole))
    return min(Self.slowStart, doubled)
  }

  private mutating func forgetIfStale(at now: EngineInstant) {
    guard let testedAt else { return }
    let age = testedAt.duration(to: now).nanoseconds
    if age >= Self.forgottenAfter {
      perSecond = initial
      threshold = .infinity
      (recovery, quiet, self.testedAt) = (nil, 0, nil)
    } else if age >= Self.staleAfter, perSecond > initial {
      if threshold > perSecond { threshold = perSecond }
      perSecond = initial
      (recovery, quiet) = (nil, 0)
    }
  }
}

/// The last answers of the service, and when they came.
struct AnswerWindow: Sendable {
  private static let size = 128
  private static let enough = 16

  private var times: [Int64] = []
  private var kinds: [Bool] = []
  private var next = 0
  private var latest = Int64.min
  private(set) var accepted = 0

  mutating func record(accepted isAccepted: Bool, at now: EngineInstant, rate: Double) {
    let now = now.nanoseconds
    // After a pause in the demand the answers before it would make the rate look low.
    let pause = Int64(min(16 / rate, 3_600) * 1e9)
    if latest != .min, now - latest > max(2_000_000_000, pause) { self = AnswerWindow() }
    latest = now
    if isAccepted { accepted += 1 }
    guard times.count == Self.size else {
      times.append(now)
      kinds.append(isAccepted)
      return
    }
    if kinds[next] { accepted -= 1 }
    times[next] = now
    kinds[next] = isAccepted
    next = (next + 1) % Self.size
  }

  /// How much time the window covers.
  func seconds(at now: EngineInstant) -> Double {
    guard let first = times.isEmpty ? nil : times[next % times.count] else { return 0 }
    return Double(now.nanoseconds - first) / 1e9
  }

  /// The rate of acceptance; zero while there are too few answers to tell.
  func acceptedPerSecond(at now: EngineInstant) -> Double {
    guard times.count >= Self.enough else { return 0 }
    let seconds = seconds(at: now)
    return seconds > 0 ? Double(accepted) / seconds : .infinity
  }

  /// Whether nearly everything is refused.
  var isOutage: Bool { 8 * accepted < times.count }
}

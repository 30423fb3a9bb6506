// SPDX-License-Identifier: Apache-2.0

/// How many sessions the service takes at one time, learned from its refusals.
///
/// | input | effect |
/// | --- | --- |
/// | `placeTaken` | one more session is up; if that is more than the cap, the cap was too low: it rises, and twice as many may ask beyond it |
/// | `placeFreed` | a session that was up is over |
/// | `refused` | no more than are up now have a place; for a while nobody asks beyond that, then one |
/// | `startGranted` | a session is on its way to a place |
/// | `startFailed` | it will not take one, for a reason of its own |
///
/// Until a refusal nothing is limited. Only starts are: a session that is up keeps its place while it
/// moves and while it comes back. A start of which nothing is heard is forgotten after a time.
struct SessionCap: Sendable {
  private let pause: Backoff
  private let longestStart: Duration
  /// Sessions that are up, or were and come back.
  private(set) var held = 0
  /// What the service takes; nil until it has refused a session.
  private(set) var cap: Int?
  /// From here on starts may ask beyond the cap.
  private var asksFrom = EngineInstant(nanoseconds: .min)
  /// How many of them at a time.
  private var step = 1
  /// Refusals of such starts in a row.
  private var refusals = 0
  /// When the starts that have no outcome yet were granted. Kept only while there is a cap.
  private var undecided = Fifo<EngineInstant>()

  init(pause: Backoff, longestStart: Duration) {
    self.pause = pause
    self.longestStart = longestStart
  }

  /// Whether a session may set out for a place.
  func permitsStart(at now: EngineInstant) -> Bool {
    guard let cap else { return true }
    let beyond = asksFrom <= now ? step : 0
    return held + undecided.count < cap + beyond
  }

  /// When that may change without an input; nil if nothing is limited.
  func nextChange(at now: EngineInstant) -> EngineInstant? {
    guard cap != nil else { return nil }
    let forgotten = undecided.first.map { $0.advanced(by: longestStart) } ?? .never
    return asksFrom > now ? min(asksFrom, forgotten) : forgotten
  }

  mutating func startGranted(at now: EngineInstant) {
    if cap != nil { undecided.append(now) }
  }

  mutating func startFailed() { _ = undecided.popFirst() }

  mutating func placeTaken(at now: EngineInstant) {
    _ = undecided.popFirst()
    held += 1
    guard let cap, held > cap else { return }
    self.cap = held
    // Before that, it had set out with those who were refused.
    guard asksFrom <= now else { return }
    refusals = 0
    step = min(step * 2, 1_024)
  }

  mutating func placeFreed() { held = max(0, held - 1) }

  /// - Parameter draw: 64 random bits; brokers that share a quota must not ask together.
  mutating func refused(at now: EngineInstant, draw: UInt64) {
    _ = undecided.popFirst()
    let isNews = cap == nil || asksFrom <= now
    cap = held
    // Sessions that set out together are refused together: that is one answer.
    guard isNews else { return }
    refusals += 1
    step = 1
    asksFrom = now.advanced(by: pause.halfCertainDelay(retry: refusals, draw: draw))
  }

  /// Forgets starts of which nothing was heard.
  mutating func timePassed(to now: EngineInstant) {
    while let first = undecided.first, first.advanced(by: longestStart) <= now {
      _ = undecided.popFirst()
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

/// How many sessions the service takes at one time, learned from its refusals.
///
/// | input | effect |
/// | --- | --- |
/// | `startGranted` | this session is on its way to a place |
/// | `placeTaken` | it is up; if more are than the cap says, the cap rises, and one more may ask beyond it |
/// | `startOver` | it is not on its way any more, for whatever reason |
/// | `placeFreed` | a session that was up is over |
/// | `refused` | the cap is what is up now; nobody asks beyond it for a while, longer after each time |
///
/// Until a refusal nothing is limited. Only starts are: a session that is up keeps its place while it
/// moves and while it comes back. Who is on the way is known by name, so whatever is heard next of a
/// session (its outcome, another request, its end) settles what was not heard.
struct SessionCap: Sendable {
  private let pause: Backoff
  /// Sessions that are up, or were and come back.
  private(set) var held = 0
  /// What the service takes; nil until it has refused a session.
  private(set) var cap: Int?
  /// From here on starts may ask beyond the cap.
  private var asksFrom = EngineInstant(nanoseconds: .min)
  /// How many of them at a time: one more for each that was taken, so twice as many each round.
  private var step = 1
  /// Refusals of such starts in a row.
  private var refusals = 0
  private var onTheWay: Set<Starter> = []

  /// A session, by its place in its shard.
  struct Starter: Hashable, Sendable {
    private var shard: UInt16
    private var slot: UInt32

    init(_ ticket: Ticket) {
      shard = ticket.shard
      slot = ticket.slot
    }
  }

  init(pause: Backoff) { self.pause = pause }

  /// Whether a session may set out for a place.
  func permitsStart(at now: EngineInstant) -> Bool {
    guard let cap else { return true }
    return held + onTheWay.count < cap + (asksFrom <= now ? step : 0)
  }

  /// When that may change without an input; nil if it cannot.
  func nextChange(at now: EngineInstant) -> EngineInstant? {
    cap != nil && asksFrom > now ? asksFrom : nil
  }

  mutating func startGranted(_ session: Starter) { onTheWay.insert(session) }

  mutating func startOver(_ session: Starter) { onTheWay.remove(session) }

  func isOnTheWay(_ session: Starter) -> Bool { onTheWay.contains(session) }

  mutating func placeTaken(_ session: Starter, at now: EngineInstant) {
    onTheWay.remove(session)
    held += 1
    guard let cap, held > cap else { return }
    self.cap = held
    // Before that, it had set out with those who were refused.
    guard asksFrom <= now else { return }
    refusals = 0
    step = min(step + 1, 1_024)
  }

  mutating func placeFreed() { held = max(0, held - 1) }

  /// - Parameter draw: 64 random bits; brokers that share a quota must not ask together.
  mutating func refused(_ session: Starter, at now: EngineInstant, draw: UInt64) {
    onTheWay.remove(session)
    let former = cap
    cap = held
    guard let former, asksFrom > now else {
      refusals += 1
      return pause(refusals, at: now, draw: draw)
    }
    // Sessions that set out together are refused together: that is one answer. But a place that was
    // ours is worth another look soon: the service may only count a session a moment longer.
    if held < former, asksFrom > now.advanced(by: pause.ceiling(retry: 1)) {
      pause(1, at: now, draw: draw)
    }
  }

  private mutating func pause(_ retry: Int, at now: EngineInstant, draw: UInt64) {
    step = 1
    asksFrom = now.advanced(by: pause.halfCertainDelay(retry: retry, draw: draw))
  }
}

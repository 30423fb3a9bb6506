// SPDX-License-Identifier: Apache-2.0

/// Keeps sessions from finding out one by one that an endpoint cannot be reached.
///
/// | state | input | next state |
/// | --- | --- | --- |
/// | closed(n) | a connect failed | closed(n + 1), at the threshold open |
/// | any | the service answered, be it with a refusal | closed(0) |
/// | open | its time has come and somebody waits | probing |
/// | probing | the probe failed | open, for a longer interval |
/// | probing | the probe was given up | open, its time has come |
/// | open, probing | another dial, made earlier, failed | unchanged |
///
/// While it is open nobody dials but one probe at a time. Those who wait go on waiting; only the
/// probe spends an attempt.
struct BreakerMachine: Sendable {
  enum State: Sendable, Hashable {
    case closed(failures: Int)
    case open(probes: Int, until: EngineInstant)
    case probing(probes: Int, Ticket)
  }

  private let threshold: Int
  private let backoff: Backoff
  private(set) var state = State.closed(failures: 0)
  /// How often it has opened.
  private(set) var openings = 0

  init(threshold: Int, backoff: Backoff) {
    self.threshold = max(1, threshold)
    self.backoff = backoff
  }

  var isClosed: Bool {
    if case .closed = state { true } else { false }
  }

  /// The service answered.
  mutating func reached() { state = .closed(failures: 0) }

  /// A dial found no service.
  mutating func failed(_ ticket: Ticket, at now: EngineInstant, draw: UInt64) {
    switch state {
    case .closed(let failures) where failures + 1 < threshold:
      state = .closed(failures: failures + 1)
    case .closed:
      openings += 1
      state = .open(probes: 1, until: probeTime(1, at: now, draw: draw))
    case .probing(let probes, ticket):
      state = .open(probes: probes + 1, until: probeTime(probes + 1, at: now, draw: draw))
    case .open, .probing:
      break
    }
  }

  /// A dial was given up before it told anything.
  mutating func abandoned(_ ticket: Ticket, at now: EngineInstant) {
    if case .probing(let probes, ticket) = state { state = .open(probes: probes, until: now) }
  }

  /// A dial has been granted although the breaker is open: it is the probe.
  mutating func probed(_ ticket: Ticket) {
    if case .open(let probes, _) = state { state = .probing(probes: probes, ticket) }
  }

  private func probeTime(_ probes: Int, at now: EngineInstant, draw: UInt64) -> EngineInstant {
    now.advanced(by: backoff.halfCertainDelay(retry: probes, draw: draw))
  }
}

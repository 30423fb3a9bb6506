// SPDX-License-Identifier: Apache-2.0

@testable import LiveBroker

/// Many sessions, one pacer and a service with a token bucket, in virtual time.
///
/// A dial takes three round trips of 50 ms and reaches the service after two and a half of them; a
/// refused one takes as long. A refused session backs off with full jitter and asks again.
struct StormSimulation {
  struct Result {
    var dials: [EngineInstant] = []
    var admitted: [EngineInstant] = []
    var refusals: [EngineInstant] = []
    var unfinished = 0

    func attemptsPerSession(_ sessions: Int) -> Double { Double(dials.count) / Double(sessions) }

    /// Seconds from `start` until the last session was admitted.
    func seconds(from start: EngineInstant) -> Double {
      Double(start.duration(to: admitted.max() ?? start).nanoseconds) / 1e9
    }

    /// The greatest number of dials within any second.
    var busiestSecond: Int {
      var (busiest, first) = (0, 0)
      for last in dials.indices {
        while dials[first].duration(to: dials[last]) >= .seconds(1) { first += 1 }
        busiest = max(busiest, last - first + 1)
      }
      return busiest
    }
  }

  private enum Event {
    case ask(UInt32)
    case arrive(UInt32)
    case answer(UInt32, Bool)
    case wake
  }

  /// Upgrades per second that the service admits, and how many it forgives at once.
  var capacity: Double
  var burst = 10.0
  var retryAfter: Duration?
  /// The service refuses everything until this instant.
  var downUntil = EngineInstant.zero
  var roundTrip: Int64 = 50_000_000
  /// The way to the service takes up to this much longer, so that dials overtake each other.
  var jitter: Int64 = 0
  private(set) var now: EngineInstant

  private var machine: PacerMachine
  private var random: SplitMix64
  private var events = EventHeap()
  private var tokens = 10.0
  private var refilledAt: EngineInstant
  private var attempts: [UInt32: Int] = [:]
  private var alarm = EngineInstant.never
  private var result = Result()
  private var serial: UInt32 = 0
  private var granted: [Ticket] = []

  init(
    capacity: Double, configuration: AdmissionConfiguration = .init(), seed: UInt64 = 1,
    start: EngineInstant = EngineInstant(nanoseconds: 5_000_000_000)
  ) {
    self.capacity = capacity
    machine = PacerMachine(configuration: configuration)
    random = SplitMix64(seed: seed)
    now = start
    refilledAt = start
  }

  var dialsPerSecond: Double { machine.snapshot(at: now).dialsPerSecond }

  mutating func idle(for duration: Duration) { now = now.advanced(by: duration) }

  /// Drops that many sessions at this instant and runs until all are back.
  mutating func run(sessions: Int, kind: DialClass = .resume, limit: Duration = .seconds(3_600))
    -> Result
  {
    result = Result()
    attempts = [:]
    let end = now.advanced(by: limit)
    for session in 0..<UInt32(sessions) { events.insert(.ask(session), at: now) }
    while result.admitted.count < sessions, let (at, event) = events.pop(), at <= end {
      now = at
      handle(event, kind)
      while events.nextInstant == now, let (_, next) = events.pop() { handle(next, kind) }
      turn()
    }
    events = EventHeap()
    alarm = .never
    result.unfinished = sessions - result.admitted.count
    return result
  }

  private mutating func handle(_ event: Event, _ kind: DialClass) {
    switch event {
    case .ask(let session):
      machine.requested(Ticket(shard: 0, slot: session, serial: 0), kind, by: now, at: now)
    case .arrive(let session):
      let answer = now.advanced(byNanoseconds: roundTrip / 2)
      events.insert(.answer(session, admit()), at: answer)
    case .answer(let session, let accepted):
      let outcome = accepted ? DialOutcome.accepted : .refused(retryAfter: retryAfter)
      let ticket = Ticket(shard: 0, slot: session, serial: 0)
      machine.finished(ticket, outcome, at: now, draw: random.next())
      if accepted { result.admitted.append(now) } else { retry(session) }

    case .wake:
      alarm = .never
    }
  }

  private mutating func retry(_ session: UInt32) {
    result.refusals.append(now)
    attempts[session, default: 0] += 1
    let delay = Backoff().delay(retry: attempts[session]!, draw: random.next())
    events.insert(.ask(session), at: now.advanced(by: max(delay, retryAfter ?? .zero)))
  }

  private mutating func admit() -> Bool {
    let seconds = Double(refilledAt.duration(to: now).nanoseconds) / 1e9
    tokens = min(burst, tokens + seconds * capacity)
    refilledAt = now
    guard now >= downUntil, tokens >= 1 else { return false }
    tokens -= 1
    return true
  }

  private mutating func turn() {
    granted.removeAll()
    let wake = machine.turnEnded(at: now, granted: &granted)
    for ticket in granted {
      result.dials.append(now)
      let way = roundTrip / 2 * 5 + random.nanoseconds(upTo: jitter)
      events.insert(.arrive(ticket.slot), at: now.advanced(byNanoseconds: way))
    }
    if let wake, wake < alarm {
      alarm = wake
      events.insert(.wake, at: wake)
    }
  }

  /// Events by instant; those of one instant in the order they came.
  private struct EventHeap {
    private var nodes: [(at: EngineInstant, serial: Int, event: Event)] = []
    private var serial = 0

    var nextInstant: EngineInstant? { nodes.first?.at }

    mutating func insert(_ event: Event, at instant: EngineInstant) {
      nodes.append((instant, serial, event))
      serial += 1
      var index = nodes.count - 1
      while index > 0, precedes(index, (index - 1) / 2) {
        nodes.swapAt(index, (index - 1) / 2)
        index = (index - 1) / 2
      }
    }

    mutating func pop() -> (EngineInstant, Event)? {
      guard let first = nodes.first else { return nil }
      nodes.swapAt(0, nodes.count - 1)
      nodes.removeLast()
      var index = 0
      while 2 * index + 1 < nodes.count {
        var child = 2 * index + 1
        if child + 1 < nodes.count, precedes(child + 1, child) { child += 1 }
        guard precedes(child, index) else { break }
        nodes.swapAt(child, index)
        index = child
      }
      return (first.at, first.event)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
      (nodes[left].at, nodes[left].serial) < (nodes[right].at, nodes[right].serial)
    }
  }
}

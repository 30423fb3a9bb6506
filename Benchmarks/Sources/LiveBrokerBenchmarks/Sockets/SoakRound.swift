// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

/// What one round of a soak showed.
struct SoakRound: Sendable {
  private(set) var account = SoakWitness.Account()
  private(set) var gaps = Gaps()
  /// Sessions that answered at the end.
  var live = 0
  var openAtEnd = 0
  /// Sessions of which the server remembers exactly what was sent.
  var exact = 0
  /// Sessions of which it remembers less, and no more less than was reported.
  var explained = 0
  /// Sessions of which it remembers something else, and nobody said so.
  var inexact: [String] = []
  var sentBytes = 0
  var promisesBroken = 0
  var broken: [String] = []
  var serverAtEnd: ServerAccount?
  var left = LeftBehind()
  var filesLeft: [String] = []
  var peak = 0
  /// Bytes of the heap that are in use when all is over; below zero where nobody counts them.
  var heap = 0

  /// How long moves took, in seconds.
  struct Gaps: Sendable {
    var median = 0.0
    var most = 0.0
    var longest = 0.0

    init() {}

    init(_ gaps: [Double]) {
      let sorted = gaps.sorted()
      func share(_ share: Double) -> Double {
        sorted.isEmpty ? 0 : sorted[Int((Double(sorted.count - 1) * share).rounded())]
      }
      median = share(0.5)
      most = share(0.99)
      longest = share(1)
    }
  }

  /// Things that must be gone when the broker's run has returned.
  struct LeftBehind: Sendable {
    var sessions = 0
    var sockets = 0
    var dials = 0
    var actors = 0
    var tasks = 0
    var timers = 0
  }

  /// Keeps what the broker said, without each single gap: a later round would count it as its memory.
  mutating func take(_ account: SoakWitness.Account) {
    gaps = Gaps(account.gaps)
    self.account = account
    self.account.gaps = []
  }

  /// Holds what was sent against what the server remembers.
  mutating func compare(_ spoken: [Spoken], _ server: ServerAccount) {
    promisesBroken = server.promisesBroken
    broken = server.broken
    for (index, own) in spoken.enumerated() {
      sentBytes += own.audio.count
      guard let remembered = server.sessions[String(index)] else {
        inexact.append("\(index): unknown to the server")
        continue
      }
      if remembered.audioBytes == own.audio.count, remembered.audioDigest == own.audio.value,
        remembered.texts == own.texts
      {
        exact += 1
      } else if remembered.texts == own.texts,
        let reported = account.reported[spoken[index].id],
        (0...reported).contains(own.audio.count - remembered.audioBytes)
      {
        explained += 1
      } else {
        inexact.append(
          "\(index): sent \(own.audio.count) bytes and \(own.texts) texts, remembered "
            + "\(remembered.audioBytes) and \(remembered.texts)")
      }
    }
  }

  mutating func lookBehind(_ broker: Broker, _ stand: SocketStand) async throws {
    left.sessions = await broker.snapshot().open
    left.sockets = stand.transport.openSockets
    left.dials = stand.transport.dialsUnderWay
    left.timers = stand.transport.timersPending + stand.executorTimersPending
    left.actors = EngineCensus.now.actors
    left.tasks = EngineCensus.now.tasks
  }
}

/// What the rounds of a soak mean.
struct SoakVerdict {
  let outcome: Outcome

  init(_ rounds: [SoakRound], sessions: Int, isQuick: Bool) {
    var outcome = Outcome()
    func add(
      _ name: String, _ title: String, _ unit: Figure.Unit, _ goal: Figure.Goal? = nil,
      _ value: (SoakRound) -> Double
    ) {
      let figure = Figure("soak.\(name)", title, unit, rounds.map(value), goal)
      outcome.figures.append(figure)
      guard let goal, let wrong = figure.rounds.first(where: { !goal.holds($0) }) else { return }
      outcome.faults.append("\(title): \(grouped(wrong)), \(goal.text)")
    }
    add("live", "sessions live at the end", .count, .atLeast(Double(sessions))) { Double($0.live) }
    add("exact", "sessions remembered to the byte", .count, .atLeast(Double(sessions))) {
      Double($0.exact)
    }
    add("explained", "sessions that lost what was reported", .count, .atMost(0)) {
      Double($0.explained)
    }
    add("promises", "promises broken", .count, .atMost(0)) { Double($0.promisesBroken) }
    add("planned", "planned moves", .count) { Double($0.account.planned) }
    add("unplanned", "unplanned reconnects", .count, .atMost(0)) { Double($0.account.unplanned) }
    add("renewed", "moves to a new token", .count) { Double($0.account.renewed) }
    add("audio", "bytes of audio sent", .bytes) { Double($0.sentBytes) }
    add("gapMedian", "gap of a move, median", .nanoseconds) { $0.gaps.median * 1e9 }
    add("gap99", "gap of a move, 99 %", .nanoseconds) { $0.gaps.most * 1e9 }
    add("gapMost", "gap of a move, longest", .nanoseconds) { $0.gaps.longest * 1e9 }
    add("held", "longest time that audio was held", .nanoseconds) { $0.account.longestHeld * 1e9 }
    add("leftSessions", "sessions left behind", .count, .atMost(0)) { Double($0.left.sessions) }
    add("leftSockets", "sockets left behind", .count, .atMost(0)) { Double($0.left.sockets) }
    add("leftDials", "dials left behind", .count, .atMost(0)) { Double($0.left.dials) }
    add("leftActors", "actors left behind", .count, .atMost(0)) { Double($0.left.actors) }
    add("leftTasks", "tasks left behind", .count, .atMost(0)) { Double($0.left.tasks) }
    add("leftTimers", "timers left behind", .count, .atMost(0)) { Double($0.left.timers) }
    add("leftFiles", "files left open", .count, .atMost(0)) { Double($0.filesLeft.count) }
    add("leftServer", "connections left at the server", .count, .atMost(0)) {
      Double($0.serverAtEnd?.connectionsOpen ?? -1)
    }
    if rounds.allSatisfy({ $0.heap >= 0 }) {
      add("heap", "heap in use after a round", .bytes) { Double($0.heap) }
    }
    add("peak", "peak memory of a round", .bytes) { Double($0.peak) }
    if let first = rounds.first, let last = rounds.last, rounds.count > 1 {
      let growth = Double(last.peak) / Double(max(1, first.peak))
      // A short round has hardly begun to use what it will use.
      let goal: Figure.Goal? = isQuick ? nil : .atMost(1.05)
      outcome.figures.append(
        Figure("soak.growth", "peak of the last round over the first", .ratio, [growth], goal))
      if let goal, !goal.holds(growth) { outcome.faults.append("peak memory grew by \(growth)") }
    }
    for round in rounds {
      outcome.faults += (round.inexact.prefix(5) + round.account.failures.prefix(5)) + round.broken
      outcome.faults += round.filesLeft.map { "left open: \($0)" }
      if !round.account.causes.isEmpty { outcome.faults.append("\(round.account.causes)") }
    }
    self.outcome = outcome
  }
}
#endif

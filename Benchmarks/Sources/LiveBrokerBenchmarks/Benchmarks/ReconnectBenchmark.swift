// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import LiveEmulator

/// How many reconnects broker and emulator together carry through in a second of one core.
struct ReconnectBenchmark: Benchmark {
  static let name = "reconnects"
  static let summary = "virtual-time reconnects per second and core, planned and unplanned"

  static func measure(_ options: Options, _ progress: Progress) throws -> [Figure] {
    let planned = try plannedMoves(options, progress)
    let unplanned = try unplannedDrops(options, progress)
    let floor = floorRounds(options, progress)
    return [
      Figure("reconnects.planned", "planned moves", .perSecond, planned.rates, .atLeast(50_000)),
      Figure(
        "reconnects.unplanned", "unplanned drops", .perSecond, unplanned.rates, .atLeast(50_000)),
      Figure("reconnects.floor", "bare struct and heap", .perSecond, floor),
      Figure(
        "reconnects.plannedOverFloor", "cost of a planned move, in bare ones", .ratio,
        [median(floor) / median(planned.rates)]),
      Figure(
        "reconnects.plannedEvents", "jobs and timers of a planned move", .count, planned.events,
        counter: .atMost(30)),
      Figure(
        "reconnects.unplannedEvents", "jobs and timers of an unplanned drop", .count,
        unplanned.events, counter: .atMost(24)),
    ]
  }

  /// What the rounds gave.
  private struct Rounds: Sendable {
    /// Reconnects in a second of one core.
    var rates: [Double] = []
    /// Jobs and timers that the simulation ran for one reconnect: the same on every machine.
    var events: [Double] = []
  }

  private static func sessions(_ options: Options) -> Int {
    options.sessions ?? (options.isQuick ? 50 : 1_000)
  }

  /// Connections live one second: goAway after half of it, and each session leaves at its own moment
  /// of the notice. Nothing is said on them, so there is no work but the moving.
  private static func plannedMoves(_ options: Options, _ progress: Progress) throws -> Rounds {
    let stand = Stand(seed: options.seed) {
      $0.connections.lifetime = .seconds(1)
      $0.connections.goAwayNotice = .milliseconds(500)
    }
    let configuration = SessionConfiguration(model: "models/benchmark")
    let length = Duration.seconds(options.isQuick ? 4 : 20)
    return try stand.run(sessions: sessions(options), configuration) { _ in
      try await stand.sleep(.seconds(3))
      return try await rounds(options, progress, "planned moves", stand) {
        try await stand.sleep(length)
      }
    }
  }

  /// The service drops every connection again and again, as soon as all have come back.
  private static func unplannedDrops(_ options: Options, _ progress: Progress) throws -> Rounds {
    let stand = Stand(seed: options.seed)
    var configuration = SessionConfiguration(model: "models/benchmark")
    configuration.retry.stablePeriod = .milliseconds(100)
    let storms = options.isQuick ? 2 : 20
    return try stand.run(sessions: sessions(options), configuration) { sessions in
      try await stand.sleep(.seconds(2))
      return try await rounds(options, progress, "unplanned drops", stand) {
        for _ in 0..<storms {
          stand.network.dropEverything()
          try await stand.sleep(.seconds(1))
        }
      }
    }
  }

  private static func rounds(
    _ options: Options, _ progress: Progress, _ title: String, _ stand: Stand,
    _ body: () async throws -> Void
  ) async throws -> Rounds {
    var result = Rounds()
    for round in 0..<options.rounds {
      progress.show(title, Double(round) / Double(options.rounds))
      let (before, events) = (stand.resumes, stand.simulation.eventCount)
      let begin = ProcessorTime.now
      try await body()
      let seconds = ProcessorTime.now.seconds(since: begin)
      let reconnects = Double(stand.resumes - before)
      result.rates.append(reconnects / seconds)
      result.events.append(Double(stand.simulation.eventCount - events) / reconnects)
    }
    return result
  }

  private static func floorRounds(_ options: Options, _ progress: Progress) -> [Double] {
    var loop = BareLoop(sessions: sessions(options), seed: options.seed)
    return (0..<options.rounds).map { round in
      progress.show("bare struct and heap", Double(round) / Double(options.rounds))
      let begin = ProcessorTime.now
      let moves = loop.run(moves: options.isQuick ? 10_000 : 500_000)
      return Double(moves) / ProcessorTime.now.seconds(since: begin)
    }
  }
}

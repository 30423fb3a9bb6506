// SPDX-License-Identifier: Apache-2.0

import CHeapUse
import LiveBroker
import LiveEmulator

/// What one idle session costs in the engine: bytes, timers, work.
///
/// The transport is a stub without any memory per connection, so what grows with the sessions is the
/// engine's: session, token and handle actors, their strings (a token of 76 bytes, a handle of 100,
/// an id of 36), the session's port, the registry and the timer wheel. Fixed costs are taken out by
/// measuring between two numbers of sessions.
struct IdleBenchmark: Benchmark {
  static let name = "idle"
  static let summary = "bytes, timers and work of an idle session, without a socket"

  static func measure(_ options: Options, _ progress: Progress) throws -> [Figure] {
    let count = options.sessions ?? (options.isQuick ? 2_000 : 100_000)
    progress.show("\(grouped(Double(count))) idle sessions", 0)
    let stand = IdleStand(seed: options.seed)
    let result = try stand.measure(sessions: count, warmUp: max(100, count / 10))
    return [
      Figure("idle.bytes", "bytes of an idle session", .bytes, [result.bytes], .atMost(750)),
      Figure("idle.bareBytes", "bare struct with the same strings", .bytes, [bare(count)]),
      Figure(
        "idle.timers", "timers of executors per session", .count, [result.timers], .atMost(0.01)),
      Figure(
        "idle.events", "jobs and timers run per session and second", .count, [result.events]),
    ]
  }

  /// The same facts in one struct in an array, with three strings.
  private static func bare(_ count: Int) -> Double {
    let before = heap_bytes_in_use()
    let loop = BareLoop(sessions: count, seed: 1)
    let after = heap_bytes_in_use()
    return withExtendedLifetime(loop) { Double(after - before) / Double(count) }
  }
}

/// A broker over a transport that answers every setup and keeps nothing.
private struct IdleStand: Sendable {
  let simulation: Simulation
  let broker: Broker

  init(seed: UInt64) {
    simulation = Simulation(seed: seed)
    var configuration = BrokerConfiguration(credentials: .ephemeralTokens(StubMinter()))
    configuration.admission = .unlimited
    broker = Broker(
      configuration: configuration, transport: StubTransport(), runtime: simulation.runtime)
  }

  func measure(
    sessions: Int, warmUp: Int
  ) throws -> (bytes: Double, timers: Double, events: Double) {
    try simulation.run { [self] in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await broker.run() }
        try await open(warmUp)
        let (bytes, timers) = (heap_bytes_in_use(), simulation.timersWaiting)
        try await open(sessions)
        let grown = heap_bytes_in_use() - bytes
        let timersGrown = simulation.timersWaiting - timers
        let events = simulation.eventCount
        try await simulation.clock.sleep(for: .seconds(10))
        let worked = simulation.eventCount - events
        group.cancelAll()
        while await group.nextResult() != nil {}
        let count = Double(sessions)
        return (Double(grown) / count, Double(timersGrown) / count, Double(worked) / count / 10)
      }
    }
  }

  private func open(_ count: Int) async throws {
    let configuration = SessionConfiguration(model: "models/benchmark")
    var left = count
    while left > 0 {
      let batch = min(left, 1_000)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<batch {
          group.addTask { _ = try await broker.openSession(configuration) }
        }
        try await group.waitForAll()
      }
      left -= batch
    }
    try await simulation.clock.sleep(for: .seconds(1))
  }
}

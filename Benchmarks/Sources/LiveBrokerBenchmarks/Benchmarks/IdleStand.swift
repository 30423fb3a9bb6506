// SPDX-License-Identifier: Apache-2.0

import CHeapCensus
import LiveBroker
import LiveEmulator

/// What one session was found to own.
struct IdleFootprint: Codable, Sendable {
  /// By the allocator's account, its block headers included.
  var bytes = 0.0
  /// Blocks of the heap.
  var blocks = 0.0
  /// Of those, the ones of more than 512 bytes; a task that is parked has one of at least 1,000.
  var largeBlocks = 0.0
  /// Timers that wait in the executors: a sleeping task is one.
  var timers = 0.0
  /// Jobs and timers that run in a second in which nothing happens.
  var events = 0.0
  /// Jobs that run when the broker is cancelled. A task that is parked has to be woken to end.
  var wakesAtStop = 0.0
  /// Blocks by usable size, those that at least one session in a hundred has.
  var sizes: [Int: Double] = [:]
}

/// A broker over a transport that answers every setup and keeps nothing.
struct IdleStand: Sendable {
  private let simulation: Simulation
  private let broker: Broker
  private let transport: StubTransport
  private let count: Int
  private let warmUp: Int

  /// - Parameters:
  ///   - count: Sessions to measure.
  ///   - warmUp: Sessions to open before, so that what is made once is not counted.
  init(count: Int, warmUp: Int, seed: UInt64) {
    self.count = count
    self.warmUp = warmUp
    simulation = Simulation(seed: seed)
    transport = StubTransport(capacity: count + warmUp)
    var configuration = BrokerConfiguration(credentials: .ephemeralTokens(StubMinter()))
    configuration.admission = .unlimited
    broker = Broker(
      configuration: configuration, transport: transport, runtime: simulation.runtime)
  }

  /// Opens the sessions and looks at what has grown; if they `speak`, each asks once and is
  /// answered, the application reads the answer, and a new handle covers it.
  func measure(speak: Bool) throws -> IdleFootprint {
    try simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await broker.run() }
        var sessions: [LiveSession] = []
        sessions.reserveCapacity(count + warmUp)
        try await populate(&sessions, warmUp, speak)
        var footprint = try await grow(&sessions, speak)
        let events = simulation.eventCount
        try await simulation.clock.sleep(for: .seconds(10))
        footprint.events = Double(simulation.eventCount - events) / Double(count) / 10
        let before = simulation.eventCount
        group.cancelAll()
        while await group.nextResult() != nil {}
        footprint.wakesAtStop = Double(simulation.eventCount - before) / Double(count)
        return footprint
      }
    }
  }

  private func grow(_ sessions: inout [LiveSession], _ speak: Bool) async throws -> IdleFootprint {
    let (bytes, timers) = (heap_bytes_in_use(), simulation.timersWaiting)
    heap_census_begin()
    try await populate(&sessions, count, speak)
    heap_census_end()
    let each = 1 / Double(count)
    var footprint = IdleFootprint()
    footprint.bytes = Double(heap_bytes_in_use() - bytes) * each
    footprint.timers = Double(simulation.timersWaiting - timers) * each
    for size in stride(from: UInt32(0), through: UInt32(HEAP_CENSUS_LARGEST), by: 8) {
      let blocks = Double(heap_census_blocks(size)) * each
      footprint.blocks += blocks
      if size == 0 || size > 512 { footprint.largeBlocks += blocks }
      if abs(blocks) >= 0.01 { footprint.sizes[Int(size)] = blocks }
    }
    return footprint
  }

  private func populate(
    _ sessions: inout [LiveSession], _ count: Int, _ speak: Bool
  ) async throws {
    let first = sessions.count
    let configuration = SessionConfiguration(model: "models/benchmark")
    // One after the other: the stub knows whose setup it answers by the order.
    for _ in 0..<count { sessions.append(try await broker.openSession(configuration)) }
    if speak {
      for place in first..<sessions.count { try await converse(sessions[place], place) }
      // A handle covers what was said if it comes later than a round trip may take.
      try await simulation.clock.sleep(for: .seconds(3))
      transport.sendHandles()
    }
    try await simulation.clock.sleep(for: .seconds(1))
  }

  private func converse(_ session: LiveSession, _ place: Int) async throws {
    transport.expectTurn(of: place)
    try await session.send(text: "are you there")
    for try await message in session.messages
    where message.serverContent?.turnComplete == true { return }
  }
}

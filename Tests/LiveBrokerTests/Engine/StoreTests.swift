// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization
import Testing

@testable import LiveBroker

/// A store that takes its time.
private final class SlowStore: ResumptionStore {
  private let records = InMemoryResumptionStore()
  private let clock: Mutex<SimulatedClock?> = Mutex(nil)

  func use(_ clock: SimulatedClock) { self.clock.withLock { $0 = clock } }
  var count: Int { records.count }

  private func work() async throws {
    let clock = self.clock.withLock { $0 }
    try await clock?.sleep(for: .milliseconds(500))
  }

  func save(_ record: StoredResumption, for session: String) async throws {
    try await work()
    await records.save(record, for: session)
  }

  func load(_ session: String) async throws -> StoredResumption? { await records.load(session) }

  func remove(_ session: String) async throws {
    try await work()
    await records.remove(session)
  }
}

@Suite struct StoreTests {
  @Test func aKilledBrokersSessionsAreResumedByTheNextOne() throws {
    let store = InMemoryResumptionStore()
    let stand = TestStand(broker: { $0.store = store })
    try stand.run { stand in
      for number in 0..<10 {
        let session = try await stand.broker.openSession(
          stand.configuration(label: "s\(number)"), id: "s\(number)")
        _ = try await session.ask("hello \(number)")
      }
      try await stand.sleep(.seconds(5))
    }
    #expect(store.count == 10)
    try stand.simulation.run {
      try await stand.runAnother { broker in
        for number in 0..<10 {
          let session = try await broker.openSession(
            stand.configuration(label: "s\(number)"), id: "s\(number)")
          #expect(try await session.ask("recall").contains("2 items"))
        }
      }
    }
    #expect(stand.totals.sessionsStarted == 10)
    #expect(stand.totals.sessionsResumed == 10)
  }

  @Test func aKillAtAnyMomentLosesNoStoredHandle() throws {
    for moment in stride(from: 100, through: 1_300, by: 150) {
      let store = InMemoryResumptionStore()
      let stand = TestStand(seed: UInt64(moment), broker: { $0.store = store })
      try stand.run { stand in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            let session = try await stand.broker.openSession(stand.configuration(), id: "a")
            _ = try? await session.ask("hello")
          }
          try await stand.sleep(.milliseconds(moment))
          group.cancelAll()
          try? await group.waitForAll()
        }
      }
      let wasStored = store.count == 1
      try stand.simulation.run {
        try await stand.runAnother { broker in
          let session = try await broker.openSession(stand.configuration(), id: "a")
          #expect(try await session.ask("probe").contains("probe-ok"))
        }
      }
      #expect(stand.totals.sessionsResumed == (wasStored ? 1 : 0), "killed at \(moment) ms")
    }
  }

  @Test func aDrainHandsEveryHandleToASlowStore() throws {
    let store = SlowStore()
    let stand = TestStand(broker: { $0.store = store })
    store.use(stand.simulation.clock)
    let ended = try stand.simulation.run {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await stand.broker.run() }
        var sessions: [LiveSession] = []
        for number in 0..<10 {
          sessions.append(
            try await stand.broker.openSession(
              stand.configuration(label: "s\(number)"), id: "s\(number)"))
        }
        try await stand.sleep(.milliseconds(300))
        await stand.broker.drain(within: .seconds(20))
        try await group.waitForAll()
        return sessions.map { $0.end?.code }
      }
    }
    #expect(ended.allSatisfy { $0 == .drained })
    #expect(store.count == 10)
  }

  @Test func aDrainLetsTurnsEndAndStopsAtItsLimit() throws {
    let stand = TestStand()
    let (witness, elapsed) = try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      let other = try await stand.broker.openSession(stand.configuration(label: "b"))
      let witness = Witness(clock: stand.simulation.clock)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        witness.listen(to: session, in: &group)
        try await stand.sleep(.seconds(5))
        try await session.send(text: "hello")
        try await other.send(text: "a long answer, please")
        try await stand.sleep(.seconds(1))
        let began = stand.now
        await stand.broker.drain(within: .seconds(5))
        try await group.waitForAll()
        return (witness, began.duration(to: stand.now))
      }
    }
    #expect(witness.turnsEnded == 1 && witness.turnsCut == 0)
    #expect(elapsed >= .seconds(5) && elapsed <= .seconds(6))
    #expect(stand.network.figures.openSockets == 0)
  }

  @Test func aDrainIsNotHeldUpByASilentSessionOrAFault() throws {
    let stand = TestStand()
    let elapsed = try stand.run { stand in
      let silent = try await stand.broker.openSession(stand.configuration())
      let faulty = try await stand.broker.openSession(stand.configuration(label: "b"))
      try await silent.send(text: "a long answer, please")
      try await faulty.send(text: "a long answer, please")
      try await stand.sleep(.seconds(2))
      if let connection = stand.connection() { stand.network.silence(connection) }
      return try await withThrowingTaskGroup(of: Void.self) { group in
        let began = stand.now
        group.addTask { await stand.broker.drain(within: .seconds(300)) }
        try await stand.sleep(.seconds(1))
        faulty.injectFault("while draining")
        try await group.waitForAll()
        return began.duration(to: stand.now)
      }
    }
    #expect(elapsed <= .seconds(80))
  }
}

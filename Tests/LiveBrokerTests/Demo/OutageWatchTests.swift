// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Synchronization
import Testing

@testable import LiveBroker
@testable import LiveBrokerDemo

@Suite struct OutageWatchTests {
  /// What is told of a session to which `trouble` happens after five seconds, within a minute.
  private func told(
    _ trouble: @escaping @Sendable (TestStand) async throws -> Void
  ) throws -> [EngineInstant] {
    let stand = TestStand()
    let told = Mutex<[EngineInstant]>([])
    return try stand.run { stand in
      let session = try await stand.broker.openSession(stand.configuration())
      let watch = OutageWatch(clock: stand.simulation.clock) { _ in
        told.withLock { $0.append(stand.now) }
      }
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await watch.watch(session) }
        try? await stand.sleep(.seconds(5))
        try? await trouble(stand)
        try? await stand.sleep(.seconds(55))
        await session.close()
      }
      return told.withLock { $0 }
    }
  }

  @Test func anOutageIsToldOnceAfterAWhile() throws {
    let began = Mutex(EngineInstant.zero)
    let times = try told { stand in
      // Four attempts are refused before one succeeds.
      stand.network.withService { $0.refuseNextUpgrades(4) }
      began.withLock { $0 = stand.now }
      stand.inject(.drop)
    }
    try #require(times.count == 1)
    let late = began.withLock { $0 }.duration(to: times[0])
    #expect(late >= .seconds(1) && late < .milliseconds(1_200))
  }

  @Test func eachOutageIsTold() throws {
    let times = try told { stand in
      for _ in 0..<2 {
        stand.network.withService { $0.refuseNextUpgrades(4) }
        stand.inject(.drop)
        try await stand.sleep(.seconds(25))
      }
    }
    #expect(times.count == 2)
  }

  @Test func whatIsMendedAtOnceIsNoOutage() throws {
    let moved = try told { $0.inject(.goAway(timeLeft: .seconds(10))) }
    #expect(moved.isEmpty)
    let dropped = try told { $0.inject(.drop) }
    #expect(dropped.isEmpty)
  }
}

// SPDX-License-Identifier: Apache-2.0

import LiveEmulator
import Testing

@testable import LiveBroker

@Suite struct DoorTests {
  private actor Counter {
    static let add = Door { (counter: isolated Counter, amount: Int) in counter.add(amount) }

    private let executor: any ShardExecutor
    private var sum = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor {
      executor.asUnownedSerialExecutor()
    }

    init(_ executor: any ShardExecutor) { self.executor = executor }

    func add(_ amount: Int) -> Int {
      sum += amount
      return sum
    }

    /// Through the door of another actor of the same executor.
    func addTwice(to other: Counter) -> Int {
      _ = Self.add(other, 2)
      return Self.add(other, 2)
    }
  }

  @Test func actorsOfOneExecutorEnterEachOther() throws {
    let simulation = Simulation(seed: 1)
    let executor = simulation.runtime.shardExecutors[0]
    let sum = try simulation.run {
      await Counter(executor).addTwice(to: Counter(executor))
    }
    #expect(sum == 4)
  }

  @Test func aBodyOfTheExecutorMayEnter() throws {
    let simulation = Simulation(seed: 1)
    let executor = simulation.runtime.shardExecutors[0]
    let counter = Counter(executor)
    try simulation.run {
      await withUnsafeContinuation { continuation in
        executor.execute {
          _ = Counter.add(counter, 3)
          continuation.resume()
        }
      }
    }
    #expect(try simulation.run { await counter.add(0) } == 3)
  }

  #if DEBUG
  @Test func enteringFromElsewhereTrapsInDebugBuilds() async {
    await #expect(processExitsWith: .failure) {
      _ = Counter.add(Counter(ThreadExecutor()), 1)
    }
  }
  #endif
}

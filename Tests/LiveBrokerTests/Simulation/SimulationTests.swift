// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Synchronization
import Testing

@testable import LiveEmulator

@Suite struct SimulationTests {
  @Test func aRunReturnsWhatItsBodyReturnsInVirtualTime() throws {
    let simulation = Simulation(seed: 1)
    let clock = simulation.clock
    let end = try simulation.run {
      try await clock.sleep(for: .seconds(86_400 * 365))
      return clock.now
    }
    #expect(end == EngineInstant.zero.advanced(by: .seconds(86_400 * 365)))
    let later = try simulation.run {
      try await clock.sleep(for: .milliseconds(5))
      return clock.now
    }
    #expect(end.duration(to: later) == .milliseconds(5))
  }

  @Test func aRunMayBeCalledFromAnAsyncTest() async throws {
    let simulation = Simulation(seed: 1)
    let clock = simulation.clock
    let end = try simulation.run {
      try await clock.sleep(for: .seconds(1))
      return clock.now
    }
    #expect(end.nanoseconds == 1_000_000_000)
  }

  @Test func anErrorOfTheBodyIsThrown() {
    struct Boom: Error {}
    #expect(throws: Boom.self) { try Simulation(seed: 1).run { throw Boom() } }
  }

  // MARK: Determinism

  private actor Log {
    var lines: [String] = []
    func add(_ line: String) { lines.append(line) }
  }

  private actor Pinned {
    let executor: any ShardExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    init(_ executor: any ShardExecutor) { self.executor = executor }
    var count = 0
    func bump() -> Int {
      count += 1
      return count
    }
  }

  private func transcript(seed: UInt64, interleave: Bool) throws -> [String] {
    let simulation = Simulation(seed: seed, interleave: interleave)
    let clock = simulation.clock
    let pinned = simulation.runtime.shardExecutors.map { Pinned($0) }
    return try simulation.run {
      let log = Log()
      try await withThrowingDiscardingTaskGroup { group in
        for worker in 0..<20 {
          group.addTask {
            let (stream, continuation) = AsyncStream<Int>.makeStream(
              bufferingPolicy: .unbounded)
            try await withThrowingDiscardingTaskGroup { inner in
              inner.addTask {
                for step in 0..<5 {
                  try await clock.sleep(for: .milliseconds(10))
                  continuation.yield(step)
                }
                continuation.finish()
              }
              for await step in stream {
                let count = await pinned[worker % 2].bump()
                await log.add("\(worker):\(step):\(count)@\(clock.now.nanoseconds)")
              }
            }
          }
        }
      }
      return await log.lines
    }
  }

  @Test(arguments: [false, true])
  func oneSeedGivesOneOrderAndAnotherSeedAnother(interleave: Bool) throws {
    let first = try transcript(seed: 7, interleave: interleave)
    #expect(first.count == 100)
    #expect(try transcript(seed: 7, interleave: interleave) == first)
    #expect(try transcript(seed: 7, interleave: interleave) == first)
    let other = try transcript(seed: 8, interleave: interleave)
    #expect(other != first)
    #expect(other.count == first.count)
  }

  @Test func interleavingGivesAnotherOrderOfTheSameWork() throws {
    let plain = try transcript(seed: 7, interleave: false)
    let interleaved = try transcript(seed: 7, interleave: true)
    #expect(plain != interleaved)
    #expect(plain.count == interleaved.count)
  }

  @Test(arguments: [false, true])
  func workOfOneExecutorKeepsItsOrder(interleave: Bool) throws {
    let simulation = Simulation(seed: 3, interleave: interleave)
    let seen = Box<[Int]>([])
    let executor = simulation.runtime.shardExecutors[0]
    let clock = simulation.clock
    try simulation.run {
      for number in 0..<50 { executor.execute { seen.update { $0.append(number) } } }
      for number in 50..<100 {
        executor.schedule(at: EngineInstant(nanoseconds: 10)) {
          seen.update { $0.append(number) }
        }
      }
      try await clock.sleep(until: EngineInstant(nanoseconds: 11))
    }
    #expect(seen.value == Array(0..<100))
  }

  @Test func sleepersDueAtOneInstantAreOrderedByTheSeed() throws {
    func order(_ seed: UInt64) throws -> [Int] {
      let simulation = Simulation(seed: seed)
      let clock = simulation.clock
      let seen = Box<[Int]>([])
      try simulation.run {
        try await withThrowingDiscardingTaskGroup { group in
          for number in 0..<10 {
            group.addTask {
              try await clock.sleep(until: EngineInstant(nanoseconds: 100))
              seen.update { $0.append(number) }
            }
          }
        }
      }
      return seen.value
    }
    #expect(try order(1) == order(1))
    #expect(try order(1) != order(2))
    #expect(try order(1).sorted() == Array(0..<10))
  }

  // MARK: Stalling

  @Test func aBodyThatWaitsForNothingIsReportedAndCancelled() throws {
    let simulation = Simulation(seed: 5)
    let clock = simulation.clock
    let ended = Box(false)
    let stall = try #require(throws: SimulationStalled.self) {
      try simulation.run {
        try await clock.sleep(for: .seconds(2))
        let (stream, continuation) = AsyncStream<Int>.makeStream(bufferingPolicy: .unbounded)
        for await _ in stream {}
        withExtendedLifetime(continuation) {}
        ended.update { $0 = true }
      }
    }
    #expect(stall.reason == .nothingLeft)
    #expect(stall.instant.nanoseconds == 2_000_000_000)
    #expect(stall.timersWaiting == 0)
    #expect("\(stall)".contains("2000 ms"))
    #expect(ended.value)
  }

  @Test func aLimitEndsABodyWhoseTimersGoOn() throws {
    let simulation = Simulation(seed: 5)
    let clock = simulation.clock
    let stall = try #require(throws: SimulationStalled.self) {
      try simulation.run(limit: .seconds(10)) {
        while true { try await clock.sleep(for: .seconds(3)) }
      }
    }
    #expect(stall.reason == .limitReached)
    #expect(stall.instant.nanoseconds == 9_000_000_000)
    #expect(stall.timersWaiting == 1)
    #expect(simulation.core.counts.timers == 0)
  }

  // MARK: Sleeping

  @Test func aCancelledSleeperWakesAtOnceAndLeavesNothing() throws {
    let simulation = Simulation(seed: 2)
    let clock = simulation.clock
    let cancelled = Box(0)
    try simulation.run {
      await withDiscardingTaskGroup { group in
        for _ in 0..<1_000 {
          group.addTask {
            do { try await clock.sleep(for: .seconds(1_800)) } catch {
              cancelled.update { $0 += 1 }
            }
          }
        }
        try? await clock.sleep(for: .milliseconds(1))
        group.cancelAll()
      }
    }
    #expect(cancelled.value == 1_000)
    #expect(clock.now.nanoseconds == 1_000_000)
    // Tombstones are kept only while they are few.
    #expect(simulation.core.timerSlotsInUse <= 33)
  }

  @Test func aSleepInACancelledTaskThrowsWithoutWaiting() throws {
    let simulation = Simulation(seed: 2)
    let clock = simulation.clock
    let threw = try simulation.run {
      await withTaskGroup(of: Bool.self) { group in
        group.cancelAll()
        group.addTask {
          do {
            try await clock.sleep(for: .seconds(1))
            return false
          } catch { return true }
        }
        return await group.next() ?? false
      }
    }
    #expect(threw)
    #expect(simulation.core.timerSlotsInUse == 0)
  }

  @Test func aSleepIntoThePastReturnsAtOnce() throws {
    let simulation = Simulation(seed: 2)
    let clock = simulation.clock
    try simulation.run {
      try await clock.sleep(for: .seconds(-1))
      try await clock.sleep(for: .zero)
    }
    #expect(clock.now == .zero)
  }

  // MARK: Isolation

  @Test func anExecutorIsCurrentOnlyInItsOwnWork() throws {
    let simulation = Simulation(seed: 1)
    let first = simulation.runtime.shardExecutors[0]
    let second = simulation.runtime.shardExecutors[1]
    let clock = simulation.clock
    let answers = Box<[[Bool?]]>([])
    let look: @Sendable () -> Void = {
      answers.update {
        $0.append([
          first.isCurrent, first.isIsolatingCurrentContext(), second.isCurrent,
          second.isIsolatingCurrentContext(),
        ])
      }
    }
    look()
    try simulation.run {
      look()
      first.execute(look)
      second.execute(look)
      second.schedule(at: EngineInstant(nanoseconds: 5), look)
      try await clock.sleep(for: .seconds(1))
      look()
    }
    let no: [Bool?] = [false, false, false, false]
    let inSecond: [Bool?] = [false, false, true, true]
    #expect(answers.value == [no, no, [true, true, false, false], inSecond, inSecond, no])
  }

  @Test func aForeignThreadIsNeverOnAnExecutor() async throws {
    let simulation = Simulation(seed: 1)
    let executor = simulation.runtime.shardExecutors[0]
    let seen = Mutex<(inside: Bool, outside: Bool)?>(nil)
    let asked = Atomic<Bool>(false)
    let answered = Atomic<Int>(0)
    async let outside: Void = Self.ask(executor, asked, answered)
    try simulation.run {
      await withUnsafeContinuation { done in
        executor.execute {
          asked.store(true, ordering: .releasing)
          while answered.load(ordering: .acquiring) == 0 {}
          seen.withLock { $0 = (executor.isCurrent, answered.load(ordering: .relaxed) == 1) }
          done.resume()
        }
      }
    }
    await outside
    let answer = try #require(seen.withLock { $0 })
    #expect(answer.inside)
    #expect(!answer.outside)
  }

  /// Asks from a thread of the global pool while the simulation is inside of `executor`.
  @concurrent
  private static func ask(
    _ executor: any ShardExecutor, _ asked: borrowing Atomic<Bool>,
    _ answered: borrowing Atomic<Int>
  ) async {
    while !asked.load(ordering: .acquiring) {}
    answered.store(executor.isCurrent ? 1 : 2, ordering: .releasing)
  }

  @Test func anActorMayBeEnteredFromItsOwnExecutor() throws {
    let simulation = Simulation(seed: 1)
    let executor = simulation.runtime.shardExecutors[0]
    let actor = Pinned(executor)
    let count = try simulation.run {
      await withUnsafeContinuation { done in
        executor.execute { done.resume(returning: actor.assumeIsolated { $0.bump() }) }
      }
    }
    #expect(count == 1)
  }

  @Test func anActorEnteredFromAnotherShardTraps() async throws {
    let exit = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let simulation = Simulation(seed: 1)
      let actor = Pinned(simulation.runtime.shardExecutors[0])
      let other = simulation.runtime.shardExecutors[1]
      _ = try simulation.run {
        await withUnsafeContinuation { done in
          other.execute { done.resume(returning: actor.assumeIsolated { $0.bump() }) }
        }
      }
    }
    #expect(Self.saysWrongExecutor(exit))
  }

  @Test func anActorEnteredFromTheTaskExecutorTraps() async throws {
    let exit = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let simulation = Simulation(seed: 1)
      let actor = Pinned(simulation.runtime.shardExecutors[0])
      @Sendable func enter() { _ = actor.assumeIsolated { $0.bump() } }
      try simulation.run { enter() }
    }
    #expect(Self.saysWrongExecutor(exit))
  }

  @Test func aJobOfAnotherShardsActorMayNotEnter() async throws {
    let exit = try await #require(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      let simulation = Simulation(seed: 1)
      let actor = Pinned(simulation.runtime.shardExecutors[0])
      let other = Intruder(simulation.runtime.shardExecutors[1])
      try simulation.run { await other.enter(actor) }
    }
    #expect(Self.saysWrongExecutor(exit))
  }

  /// That it was the runtime's check which ended the process, and nothing else.
  private static func saysWrongExecutor(_ exit: ExitTest.Result) -> Bool {
    String(decoding: exit.standardErrorContent, as: UTF8.self)
      .contains("Incorrect actor executor assumption")
  }

  private actor Intruder {
    let executor: any ShardExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
    init(_ executor: any ShardExecutor) { self.executor = executor }
    func enter(_ actor: Pinned) { _ = actor.assumeIsolated { $0.bump() } }
  }

  // MARK: Executors and clock

  @Test func aStoppedExecutorDropsItsTimersAndStillRunsWork() throws {
    let simulation = Simulation(seed: 1)
    let executor = simulation.runtime.shardExecutors[0]
    let clock = simulation.clock
    let seen = Box<[String]>([])
    try simulation.run {
      executor.schedule(at: EngineInstant(nanoseconds: 5)) { seen.update { $0.append("old") } }
      executor.stop()
      executor.schedule(at: EngineInstant(nanoseconds: 6)) { seen.update { $0.append("new") } }
      executor.execute { seen.update { $0.append("work") } }
      try await clock.sleep(for: .seconds(1))
      executor.start()
      executor.schedule(at: clock.now) { seen.update { $0.append("again") } }
      try await clock.sleep(for: .seconds(1))
    }
    #expect(seen.value == ["work", "again"])
  }

  @Test func theWallClockRunsWithTheVirtualClockAndCanJump() throws {
    let simulation = Simulation(seed: 1)
    let clock = simulation.clock
    let start = clock.wallTime
    try simulation.run { try await clock.sleep(for: .seconds(10)) }
    #expect(start.duration(to: clock.wallTime) == .seconds(10))
    clock.stepWallTime(by: .seconds(-3_600))
    #expect(start.duration(to: clock.wallTime) == .seconds(-3_590))
    #expect(clock.now.nanoseconds == 10_000_000_000)
    clock.wallTime = WallTime(nanosecondsSinceEpoch: 5)
    #expect(clock.wallTime.nanosecondsSinceEpoch == 5)
  }

  @Test func aDiscardedSimulationReleasesWhatItsTimersHold() {
    let token = Box(0)
    weak let watched = token
    do {
      let simulation = Simulation(seed: 1)
      let executor = simulation.runtime.shardExecutors[0]
      executor.schedule(at: EngineInstant(nanoseconds: 5)) { [token = consume token] in
        token.update { $0 += 1 }
        executor.execute {}
      }
      #expect(watched != nil)
    }
    #expect(watched == nil)
  }
}

/// A value that simulated work on one thread writes and a test reads.
final class Box<Value: Sendable>: Sendable {
  private let state: Mutex<Value>
  init(_ value: Value) { state = Mutex(value) }
  var value: Value { state.withLock { $0 } }
  func update(_ body: (inout Value) -> Void) { state.withLock { body(&$0) } }
}

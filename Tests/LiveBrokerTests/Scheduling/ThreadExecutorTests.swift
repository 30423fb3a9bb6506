// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import LiveBroker

private actor Pinned {
  let executor: ThreadExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    executor.asUnownedSerialExecutor()
  }
  var count = 0

  init(on executor: ThreadExecutor) { self.executor = executor }

  func increment() -> Bool {
    count += 1
    return executor.isCurrent
  }
}

@Suite struct ThreadExecutorTests {
  @Test func anActorPinnedToItRunsOnItsThread() async {
    let executor = ThreadExecutor()
    executor.start()
    defer { executor.stop() }
    let actor = Pinned(on: executor)
    #expect(await actor.increment())
    #expect(!executor.isCurrent)
  }

  @Test func itAnswersTruthfullyWhetherItIsolates() async {
    let (mine, other) = (ThreadExecutor(), ThreadExecutor())
    for executor in [mine, other] { executor.start() }
    defer { for executor in [mine, other] { executor.stop() } }
    let answers = await withCheckedContinuation { continuation in
      mine.execute {
        mine.checkIsolated()
        continuation.resume(
          returning: (mine.isIsolatingCurrentContext(), other.isIsolatingCurrentContext()))
      }
    }
    #expect(answers.0 == true)
    #expect(answers.1 == false)
    #expect(mine.isIsolatingCurrentContext() == false)
  }

  @Test func assumingIsolationWorksInsideExecute() async {
    let executor = ThreadExecutor()
    executor.start()
    defer { executor.stop() }
    let actor = Pinned(on: executor)
    let count = await withCheckedContinuation { continuation in
      executor.execute {
        continuation.resume(
          returning: actor.assumeIsolated { actor in
            _ = actor.increment()
            return actor.count
          })
      }
    }
    #expect(count == 1)
  }

  @Test func workRunsInTheOrderItCame() async {
    let executor = ThreadExecutor()
    executor.start()
    defer { executor.stop() }
    let order = Log()
    await withCheckedContinuation { continuation in
      for number in 0..<1_000 { executor.execute { order.append(number) } }
      executor.execute { continuation.resume() }
    }
    #expect(order.numbers == Array(0..<1_000))
  }

  @Test func scheduledWorkRunsByInstantAndNotEarly() async {
    let executor = ThreadExecutor()
    executor.start()
    defer { executor.stop() }
    let start = SystemClock().now
    let order = Log()
    let end: EngineInstant = await withCheckedContinuation { continuation in
      executor.schedule(at: start.advanced(by: .milliseconds(3))) {
        order.append(3)
        continuation.resume(returning: SystemClock().now)
      }
      executor.schedule(at: start.advanced(by: .milliseconds(1))) { order.append(1) }
      executor.schedule(at: start.advanced(by: .milliseconds(2))) { order.append(2) }
      executor.schedule(at: .zero) { order.append(0) }
    }
    #expect(order.numbers == [0, 1, 2, 3])
    #expect(end >= start.advanced(by: .milliseconds(3)))
  }

  @Test func whatIsScheduledBeforeTheStartWaitsForIt() async {
    let executor = ThreadExecutor()
    let order = Log()
    await withCheckedContinuation { continuation in
      executor.schedule(at: .zero) {
        order.append(2)
        continuation.resume()
      }
      executor.execute {
        order.append(1)
        executor.start()
      }
    }
    executor.stop()
    #expect(order.numbers == [1, 2])
  }

  @Test func stoppingRunsWhatIsQueuedAndEndsTheThread() {
    let executor = ThreadExecutor()
    let order = Log()
    executor.start()
    for number in 0..<100 { executor.execute { order.append(number) } }
    executor.stop()
    executor.waitUntilIdle()
    #expect(order.numbers.count == 100)
  }

  @Test func workThatArrivesAfterTheStopStillRuns() async {
    let executor = ThreadExecutor()
    executor.start()
    executor.stop()
    executor.waitUntilIdle()
    let actor = Pinned(on: executor)
    #expect(await actor.increment())
    executor.waitUntilIdle()
  }

  @Test func workAfterTheStopIsStillSerial() async {
    let executor = ThreadExecutor()
    executor.start()
    executor.stop()
    let actor = Pinned(on: executor)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<500 { group.addTask { _ = await actor.increment() } }
    }
    #expect(await actor.count == 500)
    executor.waitUntilIdle()
  }

  @Test func whatWasScheduledIsDroppedByTheStop() {
    let executor = ThreadExecutor()
    let order = Log()
    executor.start()
    executor.schedule(at: SystemClock().now.advanced(by: .seconds(3_600))) { order.append(1) }
    executor.stop()
    executor.schedule(at: .zero) { order.append(2) }
    executor.waitUntilIdle()
    #expect(order.numbers.isEmpty)
  }

  @Test(.timeLimit(.minutes(1))) func anExecutorThatIsDroppedAfterItsStopIsFreed() {
    weak var dropped: ThreadExecutor?
    do {
      let executor = ThreadExecutor()
      dropped = executor
      executor.start()
      executor.execute {}
      executor.stop()
      executor.waitUntilIdle()
    }
    // The thread's own reference goes with its last instruction, a moment after it says it is idle.
    while dropped != nil {}
    #expect(dropped == nil)
  }

  @Test func theTimerHeapGivesEarliestFirstAndTiesInTheirOrder() {
    var random = SplitMix64(seed: 11)
    var heap = TimerHeap()
    let order = Log()
    var expected: [(Int64, Int)] = []
    for number in 0..<500 {
      let at = Int64(random.next() % 50)
      expected.append((at, number))
      heap.insert(at: EngineInstant(nanoseconds: at)) { order.append(number) }
    }
    while let body = heap.popDue(at: EngineInstant(nanoseconds: 49)) { body() }
    #expect(order.numbers == expected.sorted { $0 < $1 }.map(\.1))
    #expect(heap.next == nil)
  }

  @Test func aThreadedRuntimeHasTheShardsAskedForAndKeepsItsSeed() {
    let runtime = BrokerRuntime.threads(count: 3, seed: 42)
    #expect(runtime.shardExecutors.count == 3)
    #expect(runtime.seed == 42)
    #expect(BrokerRuntime.threads(count: 0).shardExecutors.count == 1)
    #expect(!BrokerRuntime.system.shardExecutors.isEmpty)
  }

  @Test func theSystemClockDoesNotGoBackwards() {
    let clock = SystemClock()
    var last = clock.now
    for _ in 0..<1_000 {
      let now = clock.now
      #expect(now >= last)
      last = now
    }
    #expect(clock.wallTime.nanosecondsSinceEpoch > 1_600_000_000_000_000_000)
  }
}

private final class Log: Sendable {
  private let state = Mutex<[Int]>([])
  var numbers: [Int] { state.withLock { $0 } }
  func append(_ number: Int) { state.withLock { $0.append(number) } }
}

// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveEmulator
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import LiveBroker

@Suite("The executor on an event loop", .timeLimit(.minutes(30)))
struct EventLoopExecutorTests {
  private actor Pinned {
    let executor: EventLoopExecutor
    var count = 0
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(_ executor: EventLoopExecutor) { self.executor = executor }

    func add() -> Bool {
      count += 1
      return executor.isCurrent
    }
  }

  private let loops = Array(MultiThreadedEventLoopGroup.singleton.makeIterator())
  private var executor: EventLoopExecutor { EventLoopExecutor(loops[0]) }

  @Test("Actors run on their loop, and can be entered from it synchronously")
  func actors() async {
    let executor = executor
    let actor = Pinned(executor)
    #expect(await actor.add())
    #expect(!executor.isCurrent)
    let count = await withUnsafeContinuation { continuation in
      executor.execute { continuation.resume(returning: actor.assumeIsolated { $0.count }) }
    }
    #expect(count == 1)
  }

  @Test("It says truthfully where it is: yes on its loop, no elsewhere")
  func isolation() async {
    let executor = executor
    #expect(executor.isIsolatingCurrentContext() == false)
    let inside = await withUnsafeContinuation { continuation in
      executor.execute { continuation.resume(returning: executor.isIsolatingCurrentContext()) }
    }
    #expect(inside == true)
    guard loops.count > 1 else { return }
    let other = EventLoopExecutor(loops[1])
    let elsewhere = await withUnsafeContinuation { continuation in
      other.execute { continuation.resume(returning: executor.isIsolatingCurrentContext()) }
    }
    #expect(elsewhere == false)
  }

  @Test("Alarms ring in the order of their instants, those of one instant as they came")
  func order() async {
    let executor = executor
    let rung = Transcript<Int>()
    let start = SystemClock().now
    for (number, delay) in [(3, 30), (1, 10), (4, 30), (2, 20), (0, -5)] {
      executor.schedule(at: start.advanced(by: .milliseconds(delay))) {
        #expect(executor.isCurrent)
        #expect(SystemClock().now >= start.advanced(by: .milliseconds(delay)))
        rung.append(number)
      }
    }
    let patience = Patience(
      clock: SystemClock(), executor: EventLoopExecutor(loops[0]), limit: .unhurried)
    for expected in 0..<5 { #expect(await rung.next(patience) == expected) }
  }

  @Test("A stopped executor drops its alarms and still runs work")
  func stopping() async {
    let executor = executor
    let rung = Transcript<Int>()
    let patience = Patience(
      clock: SystemClock(), executor: EventLoopExecutor(loops[0]), limit: .unhurried)
    let soon = SystemClock().now.advanced(by: .milliseconds(20))
    executor.schedule(at: soon) { rung.append(1) }
    executor.stop()
    executor.schedule(at: soon) { rung.append(2) }
    executor.execute { rung.append(3) }
    #expect(await rung.next(patience) == 3)
    // An alarm on the same loop, due later than those that were dropped.
    EventLoopExecutor(loops[0]).schedule(at: soon.advanced(by: .milliseconds(20))) {
      rung.append(4)
    }
    #expect(await rung.next(patience) == 4)
    executor.start()
    executor.schedule(at: soon) { rung.append(5) }
    #expect(await rung.next(patience) == 5)
  }

  @Test("A runtime has one shard for each loop")
  func runtime() {
    let runtime = BrokerRuntime.nio(group: MultiThreadedEventLoopGroup.singleton, seed: 7)
    #expect(runtime.shardExecutors.count == loops.count)
    #expect(runtime.seed == 7)
  }
}
#endif

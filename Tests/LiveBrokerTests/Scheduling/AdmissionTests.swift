// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import LiveBroker

/// A thread for the jobs, but time only passes when the test says so.
private final class HandWoundExecutor: ShardExecutor, EngineClock {
  private let thread = ThreadExecutor(name: "hand-wound")
  private let state = Mutex((now: EngineInstant(nanoseconds: 1_000_000_000), timers: TimerHeap()))
  private let scheduled: AsyncStream<EngineInstant>.Continuation
  /// Each instant for which somebody asked to be woken.
  let alarms: AsyncStream<EngineInstant>

  // Unbounded: the test reads every alarm, and there are few.
  init() {
    (alarms, scheduled) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
  }

  var now: EngineInstant { state.withLock { $0.now } }
  var wallTime: WallTime { WallTime(nanosecondsSinceEpoch: 0) }
  var isCurrent: Bool { thread.isCurrent }
  func isIsolatingCurrentContext() -> Bool? { isCurrent }
  func checkIsolated() { thread.checkIsolated() }
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    thread.execute { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
  func execute(_ body: @escaping @Sendable () -> Void) { thread.execute(body) }
  func schedule(at instant: EngineInstant, _ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.timers.insert(at: instant, body) }
    scheduled.yield(instant)
  }

  func advance(to instant: EngineInstant) {
    state.withLock { $0.now = max($0.now, instant) }
    while let body = state.withLock({ $0.timers.popDue(at: $0.now) }) { execute(body) }
  }
}

@Suite struct AdmissionTests {
  private static func ticket(_ slot: UInt32) -> Ticket { Ticket(shard: 0, slot: slot, serial: 1) }

  private static func make(
    _ configuration: AdmissionConfiguration
  ) -> (Admission, HandWoundExecutor, AsyncStream<Ticket>) {
    let executor = HandWoundExecutor()
    // Unbounded: a test asks for a handful of tickets.
    let (grants, continuation) = AsyncStream<Ticket>.makeStream(bufferingPolicy: .unbounded)
    let admission = Admission(
      configuration: configuration, clock: executor, executor: executor, seed: 1,
      grant: { continuation.yield($0) })
    return (admission, executor, grants)
  }

  @Test func aRequestIsGrantedAndItsEndFreesThePlace() async {
    var configuration = AdmissionConfiguration.unlimited
    configuration.maximumInFlight = 1
    let (admission, executor, grants) = Self.make(configuration)
    var iterator = grants.makeAsyncIterator()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await admission.run() }
      admission.request(Self.ticket(1), .resume, by: executor.now)
      #expect(await iterator.next() == Self.ticket(1))
      admission.request(Self.ticket(2), .freshStart, by: executor.now)
      admission.request(Self.ticket(3), .resume, by: executor.now)
      admission.finish(Self.ticket(1), .accepted)
      #expect(await iterator.next() == Self.ticket(3))
      group.cancelAll()
    }
    let snapshot = await admission.snapshot
    #expect((snapshot.requested, snapshot.granted, snapshot.accepted) == (3, 2, 1))
  }

  @Test func whoAsksOnItsExecutorIsGrantedAtOnceAndInOrder() async {
    let executor = HandWoundExecutor()
    let granted = Mutex<[UInt32]>([])
    var configuration = AdmissionConfiguration.unlimited
    configuration.maximumInFlight = 2
    let admission = Admission(
      configuration: configuration, clock: executor, executor: executor, seed: 1,
      grant: { ticket in granted.withLock { $0.append(ticket.slot) } })
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await admission.run() }
      // Its first turn is over once it answers.
      while await admission.snapshot.requested == 0 {
        admission.request(Self.ticket(1), .resume, by: executor.now)
      }
      let seen = await withUnsafeContinuation { continuation in
        executor.execute {
          admission.request(Self.ticket(2), .resume, by: executor.now)
          admission.request(Self.ticket(3), .resume, by: executor.now)
          let before = granted.withLock { $0 }
          admission.finish(Self.ticket(1), .accepted)
          continuation.resume(returning: (before, granted.withLock { $0 }))
        }
      }
      #expect(seen.0 == [1, 2])
      #expect(seen.1 == [1, 2, 3])
      group.cancelAll()
    }
  }

  @Test func theAlarmGrantsWhatHadToWaitForItsTurn() async {
    var configuration = AdmissionConfiguration()
    configuration.initialDialsPerSecond = 10
    let (admission, executor, grants) = Self.make(configuration)
    var (granted, alarms) = (grants.makeAsyncIterator(), executor.alarms.makeAsyncIterator())
    let start = executor.now
    await withTaskGroup(of: Void.self) { group in
      for slot: UInt32 in 0..<4 { admission.request(Self.ticket(slot), .resume, by: start) }
      group.addTask { await admission.run() }
      for slot: UInt32 in 0..<4 {
        #expect(await granted.next() == Self.ticket(slot))
        guard slot < 3, let alarm = await alarms.next() else { break }
        #expect(alarm == start.advanced(by: .milliseconds(100 * (Int(slot) + 1))))
        executor.advance(to: alarm)
      }
      group.cancelAll()
    }
  }

  @Test func aCancelledRequestIsNotGranted() async {
    let (admission, executor, grants) = Self.make(.unlimited)
    var iterator = grants.makeAsyncIterator()
    for slot: UInt32 in 1...3 { admission.request(Self.ticket(slot), .resume, by: executor.now) }
    admission.cancel(Self.ticket(2))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await admission.run() }
      #expect(await iterator.next() == Self.ticket(1))
      #expect(await iterator.next() == Self.ticket(3))
      group.cancelAll()
    }
  }

  @Test func aRestartKeepsThoseWhoWait() async {
    var configuration = AdmissionConfiguration.unlimited
    configuration.maximumInFlight = 1
    let (admission, executor, grants) = Self.make(configuration)
    var iterator = grants.makeAsyncIterator()
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await admission.run() }
      admission.request(Self.ticket(1), .resume, by: executor.now)
      #expect(await iterator.next() == Self.ticket(1))
      group.cancelAll()
    }
    admission.request(Self.ticket(2), .resume, by: executor.now)
    admission.finish(Self.ticket(1), .accepted)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await admission.run() }
      #expect(await iterator.next() == Self.ticket(2))
      group.cancelAll()
    }
  }
}

// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker
internal import Synchronization

/// What all parts of one simulation share: the work that is ready, the timers, and the time.
///
/// One thread runs the work, but any thread may add some: a lock guards the queues, and is never
/// held while work runs or is released.
final class SimulationCore: Sendable {
  private struct State {
    var ready: ReadyQueue
    var timers: TimerQueue
    var random: SplitMix64
    var executors: [UnownedSerialExecutor] = []
    var stopped: [Bool] = []
    var jobsRun: UInt64 = 0
    var timersFired: UInt64 = 0
  }

  /// What one step has to do.
  private enum Step {
    case job(UnownedJob, Lane, UnownedSerialExecutor?)
    case body(@Sendable () -> Void, Lane)
    case wake(UnsafeContinuation<Bool, Never>)
    case nothing(next: Int64?)
  }

  /// Why the loop came back.
  enum Ending { case finished, nothingLeft, limitReached }

  private let state: Mutex<State>
  private let time = Atomic<Int64>(0)
  /// The thread inside `run`, or zero.
  private let runningThread = Atomic<UInt>(0)
  /// The lane whose work is running; written and read by the running thread only.
  private let runningLane = Atomic<Int>(-1)

  init(seed: UInt64, interleave: Bool) {
    var random = SplitMix64(seed: seed)
    let timers = TimerQueue(seed: random.next())
    state = Mutex(State(ready: ReadyQueue(interleave: interleave), timers: timers, random: random))
  }

  var now: Int64 { time.load(ordering: .relaxed) }

  var counts: (jobs: UInt64, fired: UInt64, ready: Int, timers: Int) {
    state.withLock { ($0.jobsRun, $0.timersFired, $0.ready.count, $0.timers.count) }
  }

  var timerSlotsInUse: Int { state.withLock { $0.timers.capacityInUse } }

  /// Whether the caller runs inside work of `lane`.
  func isRunning(_ lane: Lane) -> Bool {
    runningThread.load(ordering: .relaxed) == currentThreadIdentity()
      && runningLane.load(ordering: .relaxed) == lane.index
  }

  // MARK: Lanes

  func makeLane() -> Lane {
    state.withLock { state in
      state.ready.addLane()
      state.stopped.append(false)
      return Lane(index: state.stopped.count)
    }
  }

  /// Tells the serial executor of the newest lane.
  func bind(_ executor: UnownedSerialExecutor) { state.withLock { $0.executors.append(executor) } }

  func start(_ lane: Lane) { state.withLock { $0.stopped[lane.index - 1] = false } }

  func stop(_ lane: Lane) {
    // The removed bodies are released after the lock.
    let removed = state.withLock { state in
      state.stopped[lane.index - 1] = true
      return state.timers.removeBodies(of: lane)
    }
    withExtendedLifetime(removed) {}
  }

  // MARK: Adding work

  func enqueue(_ job: UnownedJob, _ lane: Lane) {
    state.withLock { $0.ready.append(.job(job), lane) }
  }

  func execute(_ body: @escaping @Sendable () -> Void, _ lane: Lane) {
    state.withLock { $0.ready.append(.body(body), lane) }
  }

  func schedule(_ body: @escaping @Sendable () -> Void, _ lane: Lane, at instant: Int64) {
    state.withLock { state in
      guard lane == .shared || !state.stopped[lane.index - 1] else { return }
      state.timers.add(body, lane, at: instant)
    }
  }

  func reserveSleeper() -> SleeperID { state.withLock { $0.timers.reserveSleeper() } }

  func park(
    _ id: SleeperID, until instant: Int64, _ continuation: UnsafeContinuation<Bool, Never>
  ) {
    let parked = state.withLock { $0.timers.park(id, until: instant, continuation) }
    if !parked { continuation.resume(returning: false) }
  }

  func cancel(_ id: SleeperID) {
    let continuation = state.withLock { $0.timers.cancel(id) }
    continuation?.resume(returning: false)
  }

  // MARK: Running

  /// Runs work until `finished` says so, nothing is left, or the next timer lies beyond `limit`.
  func run(
    on taskExecutor: UnownedTaskExecutor, limit: Int64, until finished: () -> Bool
  ) -> Ending {
    enter()
    defer { leave() }
    while !finished() {
      let step = state.withLock { nextStep(&$0, limit: limit) }
      switch step {
      case .job(let job, let lane, let executor):
        runningLane.store(lane.index, ordering: .relaxed)
        if let executor {
          job.runSynchronously(isolatedTo: executor, taskExecutor: taskExecutor)
        } else {
          job.runSynchronously(on: taskExecutor)
        }
      case .body(let body, let lane):
        runningLane.store(lane.index, ordering: .relaxed)
        body()
      case .wake(let continuation):
        continuation.resume(returning: true)
      case .nothing(let next):
        return next == nil ? .nothingLeft : .limitReached
      }
    }
    return .finished
  }

  /// Runs `body` inside `lane`, from within work of this simulation that is in no other serial
  /// executor's lane.
  func perform(in lane: Lane, _ body: () -> Void) {
    let outer = runningLane.load(ordering: .relaxed)
    runningLane.store(lane.index, ordering: .relaxed)
    body()
    runningLane.store(outer, ordering: .relaxed)
  }

  private func nextStep(_ state: inout State, limit: Int64) -> Step {
    if let item = state.ready.popNext(using: &state.random) {
      state.jobsRun &+= 1
      switch item.work {
      case .body(let body): return .body(body, item.lane)
      case .job(let job):
        let index = item.lane.index
        return .job(job, item.lane, index == 0 ? nil : state.executors[index - 1])
      }
    }
    guard let next = state.timers.nextInstant() else { return .nothing(next: nil) }
    guard next <= limit else { return .nothing(next: next) }
    guard let fired = state.timers.popNext() else { return .nothing(next: nil) }
    state.timersFired &+= 1
    if next > now { time.store(next, ordering: .relaxed) }
    switch fired {
    case .sleeper(let continuation): return .wake(continuation)
    case .body(let body, let lane): return .body(body, lane)
    }
  }

  private func enter() {
    let (alone, _) = runningThread.compareExchange(
      expected: 0, desired: currentThreadIdentity(), ordering: .acquiring)
    precondition(alone, "Simulation.run is not reentrant, and runs on one thread at a time.")
  }

  private func leave() {
    runningLane.store(-1, ordering: .relaxed)
    runningThread.store(0, ordering: .releasing)
  }

  /// Forgets all work, which breaks the cycles through what the bodies hold.
  func discard() {
    let rest = state.withLock { state in
      let timers = state.timers
      state.timers = TimerQueue(seed: 0)
      return (state.ready.removeAll(), timers)
    }
    withExtendedLifetime(rest) {}
  }
}

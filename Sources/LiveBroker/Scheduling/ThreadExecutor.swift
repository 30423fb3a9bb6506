// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A shard executor on a thread of its own, for hosts without an event loop.
///
/// Work runs in the order it came, one piece at a time. Instants are those of ``SystemClock``. Until
/// it is started, and again once it is stopped, the executor keeps no thread: work that arrives then
/// gets a thread that ends with it. What was scheduled before the start waits for the start.
public final class ThreadExecutor: ShardExecutor, @unchecked Sendable {
  // Unchecked: every stored variable below is touched only with `gate` held.
  private enum Work {
    case job(UnownedJob)
    case call(@Sendable () -> Void)
  }

  private enum Phase {
    case ready
    case running
    case stopped
  }

  private let gate = MonotonicCondition()
  private let name: String
  private var phase = Phase.ready
  private var queue: [Work] = []
  private var timers = TimerHeap()
  /// Whether a thread serves this executor: never more than one, which is what makes it serial.
  private var hasThread = false
  /// Whether that thread waits and needs waking; spares the system call while it works.
  private var isWaiting = false

  /// Makes an executor that is not started.
  ///
  /// - Parameter name: Name of the thread, as debuggers and `top` show it (15 bytes on Linux).
  public init(name: String = "live-shard") { self.name = name }

  /// Whether the caller runs on this executor right now.
  public var isCurrent: Bool {
    pthread_getspecific(currentExecutorKey) == Unmanaged.passUnretained(self).toOpaque()
  }

  /// Called by the runtime to ask whether the current context is isolated by this executor; as
  /// truthful as ``isCurrent``, and never unknown.
  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  /// Called by the runtime where isolation is asserted; traps if the caller is elsewhere.
  public func checkIsolated() {
    precondition(isCurrent, "expected to run on the executor \(name)")
  }

  /// Takes a job of the Swift runtime. Callable from any thread.
  public func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

  /// Runs `body` on this executor after the work already queued. Callable from any thread.
  public func execute(_ body: @escaping @Sendable () -> Void) { add(.call(body)) }

  /// Runs `body` on this executor at an instant of ``SystemClock``, or as soon after as it can.
  /// Callable from any thread; dropped if the executor is stopped before.
  public func schedule(at instant: EngineInstant, _ body: @escaping @Sendable () -> Void) {
    gate.lock()
    defer { gate.unlock() }
    guard phase != .stopped else { return }
    timers.insert(at: instant, body)
    if timers.next == instant { wake() }
  }

  /// Gives the executor its thread. Starting a running executor changes nothing; a stopped one runs
  /// again.
  public func start() {
    gate.lock()
    defer { gate.unlock() }
    phase = .running
    ensureThread()
  }

  /// Ends the thread after the work already queued, without waiting for it, and drops what is
  /// scheduled. Callable from any thread, also from this executor.
  public func stop() {
    gate.lock()
    defer { gate.unlock() }
    phase = .stopped
    timers.removeAll()
    wake()
  }

  /// Blocks until no thread serves this executor. For tests; never call it from this executor.
  func waitUntilIdle() {
    gate.lock()
    defer { gate.unlock() }
    while hasThread { gate.wait(until: .never) }
  }

  private func add(_ work: Work) {
    gate.lock()
    defer { gate.unlock() }
    queue.append(work)
    ensureThread()
    wake()
  }

  // The functions below are called with the gate held.

  private func wake() {
    guard isWaiting else { return }
    isWaiting = false
    gate.broadcast()
  }

  private func ensureThread() {
    guard !hasThread else { return }
    hasThread = true
    startThread(on: self)
  }

  // The functions below run on the thread.

  fileprivate func runThread() {
    setThreadName(name)
    pthread_setspecific(currentExecutorKey, Unmanaged.passUnretained(self).toOpaque())
    var batch: [Work] = []
    gate.lock()
    while awaitWork() {
      swap(&queue, &batch)
      gate.unlock()
      for work in batch { run(work) }
      batch.removeAll(keepingCapacity: true)
      runDueTimers()
      gate.lock()
    }
    hasThread = false
    gate.broadcast()
    gate.unlock()
  }

  /// Waits, with the gate held, until there is work or a timer is due; `false` ends the thread.
  private func awaitWork() -> Bool {
    while queue.isEmpty {
      guard phase == .running else { return false }
      let next = timers.next ?? .never
      if next <= SystemClock().now { return true }
      isWaiting = true
      gate.wait(until: next)
      isWaiting = false
    }
    return true
  }

  private func runDueTimers() {
    gate.lock()
    // Before the start timers wait; and a timer that schedules the next for "now" must not keep the
    // queue from its turn, hence one reading of the clock for all.
    guard phase == .running, let first = timers.next else { return gate.unlock() }
    let now = SystemClock().now
    guard first <= now else { return gate.unlock() }
    var due: [@Sendable () -> Void] = []
    while let body = timers.popDue(at: now) { due.append(body) }
    gate.unlock()
    for body in due { body() }
  }

  private func run(_ work: Work) {
    switch work {
    case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
    case .call(let body): body()
    }
  }
}

/// Where a thread remembers whose it is.
private let currentExecutorKey: pthread_key_t = {
  var key = pthread_key_t()
  let status = pthread_key_create(&key, nil)
  precondition(status == 0, "no thread-specific key left")
  return key
}()

/// Starts a detached thread that serves `executor` and keeps it alive until then.
private func startThread(on executor: ThreadExecutor) {
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  let context = Unmanaged.passRetained(executor).toOpaque()
  #if canImport(Darwin)
  var thread: pthread_t?
  let status = pthread_create(&thread, &attributes, { serve($0) }, context)
  #else
  var thread = pthread_t()
  let status = pthread_create(&thread, &attributes, { serve($0!) }, context)
  #endif
  pthread_attr_destroy(&attributes)
  // Without a thread its callers would wait for ever; nothing sensible is left to do.
  precondition(status == 0, "could not create a thread (error \(status))")
}

private func serve(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  Unmanaged<ThreadExecutor>.fromOpaque(context).takeRetainedValue().runThread()
  return nil
}

private func setThreadName(_ name: String) {
  #if canImport(Darwin)
  pthread_setname_np(name)
  #else
  // Swift does not see glibc's call for it, which is an extension. The kernel cuts the name to 15
  // bytes, and a failure costs only the name.
  guard let file = fopen("/proc/thread-self/comm", "w") else { return }
  fputs(name, file)
  fclose(file)
  #endif
}

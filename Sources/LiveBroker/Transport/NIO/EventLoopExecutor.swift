// SPDX-License-Identifier: Apache-2.0

#if NIO
public import NIOCore
internal import Synchronization

/// A shard executor on an event loop of SwiftNIO, so that a session lives on the loop of its
/// connection and is entered by it synchronously.
///
/// The loop belongs to whoever made its group: ``start()`` and ``stop()`` only begin and end what
/// this executor does on it. Instants are those of ``SystemClock``.
///
/// It is a task executor as well: a task that prefers it, such as one that writes to a store, runs on
/// the loop and changes no thread on its way.
public final class EventLoopExecutor: ShardExecutor, TaskExecutor {
  /// The loop on which the work runs.
  public let eventLoop: any EventLoop
  private let alarms = Mutex(Alarms())

  private struct Alarms {
    var heap = TimerHeap()
    /// What the loop was asked for last.
    var armedAt = EngineInstant.never
    var callback: NIOScheduledCallback?
    var isStopped = false
  }

  /// Makes an executor on `eventLoop`. Several executors may share a loop; then they share its turn.
  public init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  /// Whether the caller runs on the loop right now.
  public var isCurrent: Bool { eventLoop.inEventLoop }

  /// Called by the runtime to ask whether the current context is isolated by this executor; as
  /// truthful as ``isCurrent``, and never unknown.
  public func isIsolatingCurrentContext() -> Bool? { eventLoop.inEventLoop }

  /// Called by the runtime where isolation is asserted; traps if the caller is elsewhere.
  public func checkIsolated() { eventLoop.preconditionInEventLoop() }

  /// Takes a job of the Swift runtime. Callable from any thread.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute {
      job.runSynchronously(
        isolatedTo: self.asUnownedSerialExecutor(), taskExecutor: self.asUnownedTaskExecutor())
    }
  }

  /// Calls that wait for their instant; none after ``stop()``.
  public var timersPending: Int { alarms.withLock { $0.heap.count } }

  /// Runs `body` on the loop after the work already queued. Callable from any thread.
  public func execute(_ body: @escaping @Sendable () -> Void) { eventLoop.execute(body) }

  /// Runs `body` on the loop at an instant of ``SystemClock``, or as soon after as it can. Callable
  /// from any thread; dropped if the executor is stopped before.
  public func schedule(at instant: EngineInstant, _ body: @escaping @Sendable () -> Void) {
    alarms.withLock { alarms in
      guard !alarms.isStopped else { return }
      alarms.heap.insert(at: instant, body)
      arm(&alarms)
    }
  }

  /// Makes a stopped executor take alarms again. The loop itself runs already.
  public func start() { alarms.withLock { $0.isStopped = false } }

  /// Drops what is scheduled. The loop goes on, and so does work that is queued or comes later.
  public func stop() {
    let callback = alarms.withLock { alarms in
      alarms.isStopped = true
      alarms.heap.removeAll()
      alarms.armedAt = .never
      return alarms.callback.take()
    }
    callback?.cancel()
  }

  /// Asks the loop to call for the first alarm, unless it will call early enough already.
  private func arm(_ alarms: inout Alarms) {
    guard let next = alarms.heap.next, next < alarms.armedAt else { return }
    alarms.armedAt = next
    alarms.callback?.cancel()
    let delay = max(0, SystemClock().now.duration(to: next).nanoseconds)
    // A loop that was shut down calls nobody; nothing can be done about it here.
    alarms.callback = try? eventLoop.scheduleCallback(in: .nanoseconds(delay), handler: self)
  }

  private func takeDue() -> [@Sendable () -> Void] {
    let now = SystemClock().now
    return alarms.withLock { alarms in
      var due: [@Sendable () -> Void] = []
      while let body = alarms.heap.popDue(at: now) { due.append(body) }
      alarms.armedAt = .never
      alarms.callback = nil
      arm(&alarms)
      return due
    }
  }
}

extension EventLoopExecutor: NIOScheduledCallbackHandler {
  /// Called by the loop when an alarm may be due; of no use to others.
  public func handleScheduledCallback(eventLoop: some EventLoop) {
    for body in takeDue() { body() }
  }
}
#endif

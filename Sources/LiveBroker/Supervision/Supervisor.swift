// SPDX-License-Identifier: Apache-2.0

/// A part of the engine that a ``Supervisor`` keeps running.
package struct SupervisedChild: Sendable {
  /// Name in events, errors and task names.
  package var name: String
  package var kind: RestartKind
  /// Where its task, and all that it starts, run what no actor claims; nil leaves that to the parent.
  package var executor: (any TaskExecutor)?
  /// What it does. Called anew for each restart; ends soon after its task is cancelled.
  package var body: @Sendable () async throws -> Void

  package init(
    _ name: String, _ kind: RestartKind, on executor: (any TaskExecutor)? = nil,
    body: @escaping @Sendable () async throws -> Void
  ) {
    self.name = name
    self.kind = kind
    self.executor = executor
    self.body = body
  }
}

/// A child failed more often than its supervisor's limits permit.
package struct SupervisionFailure: Error, Sendable, CustomStringConvertible {
  /// Name of the child.
  package var child: String
  /// What its last failure was; `nil` if it was meant to run for ever and returned.
  package var cause: (any Error)?

  package var description: String {
    let reason = cause.map { "\($0)" } ?? "it returned"
    return "\(child) was restarted too often; the last time because: \(reason)"
  }
}

/// Runs children as child tasks and restarts them: the hands of a ``SupervisorMachine``.
///
/// All children are tasks below ``run()``, which returns or throws only when all have ended. Each
/// lives in a small group of its own, with one more task that waits for the signal to stop; that
/// is how one child is cancelled without its siblings.
package actor Supervisor {
  /// What observers are told.
  package enum Event: Sendable {
    case started(child: String)
    case ended(child: String, error: (any Error)?)
    case stopping(child: String)
  }

  private enum Input: Sendable {
    case added(SupervisedChild)
    case exited(Int, error: (any Error)?)
    case stopRequested
  }

  private let strategy: RestartStrategy
  private let limits: RestartLimits
  private let clock: any EngineClock
  private let observe: @Sendable (Event) -> Void
  // Bounded by the children: each has one exit under way, and whoever adds one waits for nothing.
  private nonisolated let mailbox = Mailbox<Input>()
  private var children: [SupervisedChild]
  private var machine: SupervisorMachine
  private var stopSignals: [Int: AsyncStream<Never>.Continuation] = [:]
  private var lastErrors: [Int: any Error] = [:]
  private var batch: [Input] = []
  private var failure: SupervisionFailure?

  /// - Parameter observe: Told of every start and end, in order, on this actor.
  package init(
    strategy: RestartStrategy, limits: RestartLimits = .init(), clock: any EngineClock,
    children: [SupervisedChild], observe: @escaping @Sendable (Event) -> Void = { _ in }
  ) {
    self.strategy = strategy
    self.limits = limits
    self.clock = clock
    self.children = children
    self.observe = observe
    machine = SupervisorMachine(strategy: strategy, limits: limits, children: [])
  }

  /// How often a child was restarted since ``run()`` was called.
  package var restarts: Int { machine.restarts }

  /// Adds a child behind the others. It starts at once if the supervisor runs, and with the others
  /// otherwise. Callable from anywhere.
  package nonisolated func add(_ child: SupervisedChild) { mailbox.post(.added(child)) }

  /// Asks to stop the children, last first, each after the one before has ended; ``run()`` then
  /// returns. Before a run it ends that one at once. Callable from anywhere.
  package nonisolated func stop() { mailbox.post(.stopRequested) }

  /// Starts the children and keeps them running until all are done, ``stop()`` is called, or the
  /// task is cancelled, which cancels all children at once.
  ///
  /// It may be called again after it has ended, as a supervisor above this one does: all children
  /// then begin anew.
  ///
  /// - Throws: ``SupervisionFailure`` if a child had to be restarted more often than permitted.
  package func run() async throws(SupervisionFailure) {
    failure = nil
    await withDiscardingTaskGroup { group in
      let bell = mailbox.open()
      if begin(in: &group) { for await _ in bell where !turn(in: &group) { break } }
      group.cancelAll()
    }
    drain()
    if let failure { throw failure }
  }

  /// Takes what came before the run, and starts.
  private func begin(in group: inout DiscardingTaskGroup) -> Bool {
    mailbox.take(into: &batch)
    for case .added(let child) in batch { children.append(child) }
    let stops = batch.contains { if case .stopRequested = $0 { true } else { false } }
    lastErrors.removeAll()
    machine = SupervisorMachine(
      strategy: strategy, limits: limits, children: children.map(\.kind))
    return perform(stops ? machine.stopRequested() : machine.began(), in: &group)
  }

  /// - Returns: whether the supervisor goes on.
  private func turn(in group: inout DiscardingTaskGroup) -> Bool {
    // Cancellation has reached the children too: their ends are no faults.
    guard !Task.isCancelled else { return false }
    mailbox.take(into: &batch)
    var goesOn = true
    for input in batch {
      guard perform(tell(input), in: &group) else { goesOn = false; continue }
    }
    return goesOn
  }

  /// What a cancelled run no longer heard.
  private func drain() {
    mailbox.take(into: &batch)
    for input in batch {
      switch input {
      case .added(let child): children.append(child)
      case .exited(let child, let error): noteExit(of: child, error)
      case .stopRequested: break
      }
    }
  }

  private func noteExit(of child: Int, _ error: (any Error)?) {
    stopSignals[child] = nil
    lastErrors[child] = error
    observe(.ended(child: children[child].name, error: error))
  }

  private func tell(_ input: Input) -> [SupervisorMachine.Action] {
    switch input {
    case .added(let child):
      children.append(child)
      return machine.added(child.kind)
    case .exited(let child, let error):
      noteExit(of: child, error)
      return machine.exited(child, error == nil ? .finished : .failed, at: clock.now)
    case .stopRequested:
      return machine.stopRequested()
    }
  }

  private func perform(
    _ actions: [SupervisorMachine.Action], in group: inout DiscardingTaskGroup
  ) -> Bool {
    for action in actions {
      switch action {
      case .start(let child):
        start(child, in: &group)
      case .stop(let child):
        observe(.stopping(child: children[child].name))
        stopSignals[child]?.finish()
      case .finish:
        return false
      case .escalate(let child):
        failure = SupervisionFailure(child: children[child].name, cause: lastErrors[child])
        return false
      }
    }
    return true
  }

  private func start(_ position: Int, in group: inout DiscardingTaskGroup) {
    let child = children[position]
    // Carries nothing: its end is the signal.
    let (signal, continuation) = AsyncStream<Never>.makeStream(bufferingPolicy: .bufferingNewest(1))
    stopSignals[position] = continuation
    observe(.started(child: child.name))
    // To prefer nothing would take the task away from the executor that its parent prefers.
    if let executor = child.executor {
      group.addTask(name: child.name, executorPreference: executor) { [mailbox] in
        mailbox.post(.exited(position, error: await attend(child, until: signal)))
      }
    } else {
      group.addTask(name: child.name) { [mailbox] in
        mailbox.post(.exited(position, error: await attend(child, until: signal)))
      }
    }
  }
}

/// The life of one child, from its start to its end.
private func attend(
  _ child: SupervisedChild, until signal: AsyncStream<Never>
) async -> (any Error)? {
  Census.taskBegan()
  defer { Census.taskEnded() }
  return await runCancellable(child.body, until: signal)
}

/// Runs `body` in a task of its own and cancels it when `signal` ends or the caller is cancelled.
///
/// - Returns: what it threw, if it did.
private func runCancellable(
  _ body: @escaping @Sendable () async throws -> Void, until signal: AsyncStream<Never>
) async -> (any Error)? {
  enum End: Sendable {
    case body((any Error)?)
    case signal
  }
  return await withTaskGroup(of: End.self) { group in
    group.addTask {
      do {
        try await body()
        return .body(nil)
      } catch {
        return .body(error)
      }
    }
    group.addTask {
      for await _ in signal {}
      return .signal
    }
    var error: (any Error)?
    // Whichever ends first ends the other.
    while let end = await group.next() {
      if case .body(let thrown) = end { error = thrown }
      group.cancelAll()
    }
    return error
  }
}

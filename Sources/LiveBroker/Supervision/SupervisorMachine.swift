// SPDX-License-Identifier: Apache-2.0

/// Decides what happens to a supervisor's children: OTP's model as a value.
///
/// Which exits ask for a restart:
///
/// | kind | finished | failed | ended because it was told to stop |
/// | --- | --- | --- | --- |
/// | permanent | restart | restart | restart if its group restarts |
/// | transient | done | restart | restart if its group restarts |
/// | temporary | done | done | done |
///
/// What a restart does, if the intensity permits it:
///
/// | strategy | told to stop | started again |
/// | --- | --- | --- |
/// | oneForOne | nobody | the child |
/// | oneForAll | all others | all that are not done |
/// | restForOne | those after it | it and those after it that are not done |
///
/// Children are stopped one at a time, last first, each after the one before has ended, and then
/// started first to last; so nobody runs without what it was started after. A child that fails
/// while others are being stopped joins them. A restart that the intensity does not permit ends the
/// supervisor: the children are stopped in the same way, and then the fault goes to the parent.
///
/// A child that is done stays done, also when its group restarts. (OTP would start a transient one
/// again.) When all are done, so is the supervisor.
package struct SupervisorMachine: Sendable {
  package enum Exit: Sendable, Hashable {
    case finished
    case failed
  }

  /// Children are named by their position in the order of their start.
  package enum Action: Sendable, Hashable {
    case start(Int)
    case stop(Int)
    /// Everybody has ended as they should.
    case finish
    /// Everybody has ended; this child's fault goes to the parent.
    case escalate(Int)
  }

  private enum Status {
    case running
    /// Runs, and is to be stopped when its turn comes.
    case condemned
    case stopping
    case awaitingStart
    case done
  }

  private enum Phase: Equatable {
    case running
    case ending(fault: Int?)
    case ended
  }

  private struct Child {
    let kind: RestartKind
    var status: Status
  }

  private let strategy: RestartStrategy
  private var intensity: RestartIntensity
  private var children: [Child]
  private var phase = Phase.running
  /// Restarts asked for and permitted since the beginning.
  package private(set) var restarts = 0

  package init(strategy: RestartStrategy, limits: RestartLimits, children: [RestartKind]) {
    self.strategy = strategy
    intensity = RestartIntensity(limits)
    self.children = children.map { Child(kind: $0, status: .awaitingStart) }
  }

  /// The supervisor has begun: the children start in their order.
  package mutating func began() -> [Action] { proceed() }

  /// One more child has come, last in the order. It starts when nobody has to be stopped first;
  /// never if the supervisor is ending.
  package mutating func added(_ kind: RestartKind) -> [Action] {
    let starts = phase == .running
    children.append(Child(kind: kind, status: starts ? .awaitingStart : .done))
    return starts ? proceed() : []
  }

  /// A child's task has ended.
  package mutating func exited(_ child: Int, _ exit: Exit, at now: EngineInstant) -> [Action] {
    guard children.indices.contains(child) else { return [] }
    let kind = children[child].kind
    switch children[child].status {
    case .awaitingStart, .done:
      return []
    case .condemned where exit == .finished && kind == .transient:
      children[child].status = .done
    case .stopping, .condemned:
      children[child].status = kind == .temporary ? .done : .awaitingStart
    case .running:
      if kind == .permanent || (kind == .transient && exit == .failed) {
        restart(child, at: now)
      } else {
        children[child].status = .done
      }
    }
    return proceed()
  }

  /// The supervisor has been told to stop.
  package mutating func stopRequested() -> [Action] {
    guard phase == .running else { return [] }
    end(fault: nil)
    return proceed()
  }

  private mutating func restart(_ child: Int, at now: EngineInstant) {
    children[child].status = .awaitingStart
    guard phase == .running else { return }
    guard intensity.permits(at: now) else { return end(fault: child) }
    restarts += 1
    switch strategy {
    case .oneForOne: break
    case .oneForAll: condemn(children.indices)
    case .restForOne: condemn((child + 1)..<children.count)
    }
  }

  private mutating func end(fault: Int?) {
    phase = .ending(fault: fault)
    condemn(children.indices)
  }

  private mutating func condemn(_ range: Range<Int>) {
    for child in range where children[child].status == .running {
      children[child].status = .condemned
    }
  }

  /// What can be done now: stop the next one, or start those who wait, or end.
  private mutating func proceed() -> [Action] {
    guard !children.contains(where: { $0.status == .stopping }) else { return [] }
    if let last = children.lastIndex(where: { $0.status == .condemned }) {
      children[last].status = .stopping
      return [.stop(last)]
    }
    switch phase {
    case .running: return startWaiting()
    case .ending(let fault): return leave(fault)
    case .ended: return []
    }
  }

  private mutating func startWaiting() -> [Action] {
    var actions: [Action] = []
    for child in children.indices where children[child].status == .awaitingStart {
      children[child].status = .running
      actions.append(.start(child))
    }
    let allDone = children.allSatisfy { $0.status == .done }
    return allDone ? leave(nil) : actions
  }

  private mutating func leave(_ fault: Int?) -> [Action] {
    phase = .ended
    return [fault.map { .escalate($0) } ?? .finish]
  }
}

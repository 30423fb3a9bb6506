// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct SupervisorMachineTests {
  private typealias Machine = SupervisorMachine
  private static let now = EngineInstant(nanoseconds: 1_000_000_000)

  private static func begun(
    _ strategy: RestartStrategy, _ kinds: [RestartKind] = [.permanent, .permanent, .permanent],
    limits: RestartLimits = .init()
  ) -> SupervisorMachine {
    var machine = Machine(strategy: strategy, limits: limits, children: kinds)
    let actions = machine.began()
    #expect(actions == kinds.indices.map { .start($0) })
    return machine
  }

  /// The exit of the only child, by kind: is it started again, and is the supervisor done?
  @Test(arguments: [
    (RestartKind.permanent, SupervisorMachine.Exit.finished, SupervisorMachine.Action.start(0)),
    (.permanent, .failed, .start(0)),
    (.transient, .finished, .finish),
    (.transient, .failed, .start(0)),
    (.temporary, .finished, .finish),
    (.temporary, .failed, .finish),
  ])
  func theKindDecidesWhetherAnExitAsksForARestart(
    kind: RestartKind, exit: SupervisorMachine.Exit, action: SupervisorMachine.Action
  ) {
    for strategy in RestartStrategy.allCases {
      var machine = Self.begun(strategy, [kind])
      #expect(machine.exited(0, exit, at: Self.now) == [action])
    }
  }

  @Test func oneForOneRestartsTheChildAlone() {
    var machine = Self.begun(.oneForOne)
    #expect(machine.exited(1, .failed, at: Self.now) == [.start(1)])
    #expect(machine.restarts == 1)
  }

  @Test func oneForAllStopsAllOthersLastFirstAndStartsAllInOrder() {
    var machine = Self.begun(.oneForAll)
    #expect(machine.exited(1, .failed, at: Self.now) == [.stop(2)])
    #expect(machine.exited(2, .finished, at: Self.now) == [.stop(0)])
    #expect(machine.exited(0, .finished, at: Self.now) == [.start(0), .start(1), .start(2)])
    #expect(machine.restarts == 1)
  }

  @Test func restForOneLeavesEarlierChildrenAlone() {
    var machine = Self.begun(.restForOne, [.permanent, .permanent, .permanent, .permanent])
    #expect(machine.exited(1, .failed, at: Self.now) == [.stop(3)])
    #expect(machine.exited(3, .finished, at: Self.now) == [.stop(2)])
    #expect(machine.exited(2, .finished, at: Self.now) == [.start(1), .start(2), .start(3)])
  }

  @Test func restForOneOfTheLastChildStopsNobody() {
    var machine = Self.begun(.restForOne)
    #expect(machine.exited(2, .failed, at: Self.now) == [.start(2)])
  }

  @Test(arguments: [RestartStrategy.oneForAll, .restForOne])
  func aTemporaryChildThatItsGroupTookDownStaysDown(strategy: RestartStrategy) {
    var machine = Self.begun(strategy, [.permanent, .temporary, .transient])
    #expect(machine.exited(0, .failed, at: Self.now) == [.stop(2)])
    #expect(machine.exited(2, .finished, at: Self.now) == [.stop(1)])
    #expect(machine.exited(1, .finished, at: Self.now) == [.start(0), .start(2)])
  }

  @Test(arguments: [RestartStrategy.oneForAll, .restForOne])
  func aChildThatIsDoneStaysDoneWhenItsGroupRestarts(strategy: RestartStrategy) {
    var machine = Self.begun(strategy, [.permanent, .transient])
    #expect(machine.exited(1, .finished, at: Self.now) == [])
    #expect(machine.exited(0, .failed, at: Self.now) == [.start(0)])
  }

  @Test func aChildThatFailsWhileOthersAreStoppedJoinsThem() {
    var machine = Self.begun(.oneForAll)
    #expect(machine.exited(2, .failed, at: Self.now) == [.stop(1)])
    #expect(machine.exited(0, .failed, at: Self.now) == [])
    #expect(machine.exited(1, .failed, at: Self.now) == [.start(0), .start(1), .start(2)])
    #expect(machine.restarts == 1)
  }

  @Test func anEarlierChildThatFailsWhileLaterOnesAreStoppedWidensTheGroup() {
    var machine = Self.begun(.restForOne)
    #expect(machine.exited(1, .failed, at: Self.now) == [.stop(2)])
    #expect(machine.exited(0, .failed, at: Self.now) == [])
    #expect(machine.exited(2, .finished, at: Self.now) == [.start(0), .start(1), .start(2)])
    #expect(machine.restarts == 2)
  }

  @Test func aTransientChildThatFinishesBeforeItsTurnToStopIsDone() {
    var machine = Self.begun(.oneForAll, [.transient, .permanent, .permanent])
    #expect(machine.exited(1, .failed, at: Self.now) == [.stop(2)])
    #expect(machine.exited(0, .finished, at: Self.now) == [])
    #expect(machine.exited(2, .finished, at: Self.now) == [.start(1), .start(2)])
  }

  @Test func tooManyRestartsStopEverybodyAndGoToTheParent() {
    var machine = Self.begun(.oneForOne, limits: RestartLimits(maximum: 2, period: .seconds(5)))
    #expect(machine.exited(1, .failed, at: Self.now) == [.start(1)])
    #expect(machine.exited(2, .failed, at: Self.now) == [.start(2)])
    #expect(machine.exited(1, .failed, at: Self.now) == [.stop(2)])
    #expect(machine.exited(2, .failed, at: Self.now) == [.stop(0)])
    #expect(machine.exited(0, .finished, at: Self.now) == [.escalate(1)])
    #expect(machine.exited(0, .failed, at: Self.now) == [])
  }

  @Test func restartsThatLieFarApartAreNotTooMany() {
    var machine = Self.begun(.oneForOne, limits: RestartLimits(maximum: 1, period: .seconds(5)))
    for round in 0..<10 {
      let now = Self.now.advanced(by: .seconds(5 * round))
      #expect(machine.exited(0, .failed, at: now) == [.start(0)])
    }
  }

  @Test func aGroupRestartCountsOnce() {
    var machine = Self.begun(
      .oneForAll, [.permanent, .permanent], limits: RestartLimits(maximum: 1, period: .seconds(5)))
    #expect(machine.exited(0, .failed, at: Self.now) == [.stop(1)])
    #expect(machine.exited(1, .failed, at: Self.now) == [.start(0), .start(1)])
  }

  @Test func stoppingGoesFromTheLastToTheFirst() {
    var machine = Self.begun(.oneForOne)
    #expect(machine.stopRequested() == [.stop(2)])
    #expect(machine.stopRequested() == [])
    #expect(machine.exited(2, .failed, at: Self.now) == [.stop(1)])
    #expect(machine.exited(0, .failed, at: Self.now) == [])
    #expect(machine.exited(1, .finished, at: Self.now) == [.finish])
  }

  @Test func stoppingDuringAGroupRestartStartsNobody() {
    var machine = Self.begun(.oneForAll)
    #expect(machine.exited(0, .failed, at: Self.now) == [.stop(2)])
    #expect(machine.stopRequested() == [])
    #expect(machine.exited(2, .finished, at: Self.now) == [.stop(1)])
    #expect(machine.exited(1, .finished, at: Self.now) == [.finish])
  }

  @Test func anAddedChildIsTheLast() {
    var machine = Self.begun(.restForOne, [.permanent])
    #expect(machine.added(.transient) == [.start(1)])
    #expect(machine.exited(0, .failed, at: Self.now) == [.stop(1)])
    #expect(machine.added(.permanent) == [])
    #expect(machine.exited(1, .finished, at: Self.now) == [.start(0), .start(1), .start(2)])
  }

  @Test func nobodyIsAddedToASupervisorThatEnds() {
    var machine = Self.begun(.oneForOne, [.permanent])
    #expect(machine.stopRequested() == [.stop(0)])
    #expect(machine.added(.permanent) == [])
    #expect(machine.exited(0, .finished, at: Self.now) == [.finish])
    #expect(machine.added(.permanent) == [])
  }

  @Test func withoutChildrenItIsDoneAtOnce() {
    var machine = Machine(strategy: .oneForOne, limits: .init(), children: [])
    #expect(machine.began() == [.finish])
  }

  @Test func exitsOfChildrenThatDoNotRunChangeNothing() {
    var machine = Self.begun(.oneForOne, [.permanent, .temporary])
    #expect(machine.exited(1, .failed, at: Self.now) == [])
    #expect(machine.exited(1, .failed, at: Self.now) == [])
    #expect(machine.exited(9, .failed, at: Self.now) == [])
    #expect(machine.exited(-1, .failed, at: Self.now) == [])
  }

  /// Whatever ends in whatever order: nobody is started twice, nobody stopped who does not run, and
  /// a supervisor without children that stop or run has ended or starts some.
  @Test(arguments: UInt64(1)...60)
  func everyOrderOfExitsKeepsTheBooks(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let strategy = RestartStrategy.allCases[Int(seed % 3)]
    let kinds = (0..<5).map { _ in RestartKind.allCases[Int(random.next() % 3)] }
    var machine = Machine(
      strategy: strategy, limits: RestartLimits(maximum: 20, period: .seconds(60)), children: kinds)
    var running: Set<Int> = []
    var ended = false
    func perform(_ actions: [SupervisorMachine.Action]) {
      for action in actions {
        switch action {
        case .start(let child): #expect(running.insert(child).inserted)
        case .stop(let child): #expect(running.contains(child))
        case .finish, .escalate:
          #expect(running.isEmpty && !ended)
          ended = true
        }
      }
    }
    perform(machine.began())
    var steps = 0
    while let child = running.sorted().randomElement(using: &random) {
      steps += 1
      running.remove(child)
      if steps == 200 { perform(machine.stopRequested()) }
      perform(machine.exited(child, random.next() % 2 == 0 ? .failed : .finished, at: Self.now))
    }
    #expect(ended)
  }
}

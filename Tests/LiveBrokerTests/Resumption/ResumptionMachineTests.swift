// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

@Suite struct ResumptionMachineTests {
  typealias State = ResumptionMachine.State
  typealias Input = ResumptionMachine.Input
  typealias Answer = ResumptionMachine.Answer

  /// One row of the table: a state, what comes in and when, the state after it, and the answer.
  struct Row: Sendable, CustomTestStringConvertible {
    var from: State
    var input: Input
    var time: Double = 20
    var to: State
    var answer: Answer = .nothing
    var testDescription: String { "\(from) + \(input) at \(time)" }
  }

  static let a = Secret("handle-a")
  static let b = Secret("handle-b")
  /// All machines begin with connection 1, whose handle a came at second 10; parted at second 12.
  static let current = State.current(a, since: second(10))
  static let withheld = State.withheld(lastGood: a, since: second(11))

  static func update(
    _ handle: Secret?, resumable: Bool = true, generation: UInt32 = 1
  ) -> Input {
    .updated(handle: handle, resumable: resumable, generation: generation)
  }

  static let rows: [Row] = [
    Row(from: .none, input: update(b), to: .current(b, since: second(20)), answer: .persist),
    Row(from: .none, input: update(nil), to: .none),
    Row(from: .none, input: update(b, resumable: false), to: .none),
    Row(from: .none, input: update(Secret("")), to: .none),
    Row(from: .none, input: .resumeFailed(.handle), to: .none),
    Row(from: .none, input: .resumeFailed(.poisoned), to: .none),
    Row(from: .none, input: .resumeFailed(.suspicion), to: .none),
    Row(from: .none, input: .resumeFailed(.network), to: .none),
    Row(from: .none, input: .setupSent(generation: 2), to: .none),
    Row(from: .none, input: .timePassed, time: 99_999, to: .none),

    Row(from: current, input: update(b), to: .current(b, since: second(20)), answer: .persist),
    Row(from: current, input: update(a), to: current),
    Row(from: current, input: update(nil), to: .withheld(lastGood: a, since: second(20))),
    Row(
      from: current, input: update(nil, resumable: false),
      to: .withheld(lastGood: a, since: second(20))),
    Row(
      from: current, input: update(b, resumable: false),
      to: .withheld(lastGood: a, since: second(20))),
    Row(
      from: current, input: update(Secret("")), to: .withheld(lastGood: a, since: second(20))),
    Row(from: current, input: update(b, generation: 0), to: current),
    Row(from: current, input: update(b, generation: 2), to: current),
    Row(from: current, input: .resumeFailed(.handle), to: .refused, answer: .forget),
    Row(from: current, input: .resumeFailed(.poisoned), to: .refused, answer: .forget),
    Row(from: current, input: .resumeFailed(.suspicion), to: current),
    Row(from: current, input: .resumeFailed(.network), to: current),
    Row(from: current, input: .setupSent(generation: 2), to: current),
    Row(from: current, input: .setupCompleted(generation: 1), to: current),
    Row(from: current, input: .connectionEnded(generation: 1), to: current),
    Row(from: current, input: .timePassed, time: 7211.9, to: current),
    Row(from: current, input: .timePassed, time: 7212, to: .lapsed, answer: .forget),

    Row(from: withheld, input: update(b), to: .current(b, since: second(20)), answer: .persist),
    Row(from: withheld, input: update(a), to: current),
    Row(from: withheld, input: update(nil), to: withheld),
    Row(from: withheld, input: update(b, resumable: false), to: withheld),
    Row(from: withheld, input: .resumeFailed(.handle), to: .refused, answer: .forget),
    Row(from: withheld, input: .resumeFailed(.poisoned), to: .refused, answer: .forget),
    Row(from: withheld, input: .resumeFailed(.suspicion), to: withheld),
    Row(from: withheld, input: .resumeFailed(.network), to: withheld),
    Row(from: withheld, input: .setupSent(generation: 2), to: withheld),
    Row(from: withheld, input: .timePassed, time: 7211.9, to: withheld),
    Row(from: withheld, input: .timePassed, time: 7212, to: .lapsed, answer: .forget),
    // Time first: what comes too late for the handle meets a lapsed one.
    Row(from: withheld, input: update(b), time: 7212, to: .lapsed, answer: .forget),

    Row(from: .lapsed, input: update(b), time: 7300, to: .lapsed),
    Row(from: .lapsed, input: update(nil), time: 7300, to: .lapsed),
    Row(from: .lapsed, input: .resumeFailed(.handle), time: 7300, to: .lapsed),
    Row(from: .lapsed, input: .resumeFailed(.suspicion), time: 7300, to: .lapsed),
    Row(from: .lapsed, input: .setupSent(generation: 2), time: 7300, to: .none),
    Row(from: .lapsed, input: .timePassed, time: 99_999, to: .lapsed),

    Row(from: .refused, input: update(b), to: .refused),
    Row(from: .refused, input: update(nil), to: .refused),
    Row(from: .refused, input: .resumeFailed(.poisoned), to: .refused),
    Row(from: .refused, input: .setupSent(generation: 2), to: .none),
    Row(from: .refused, input: .timePassed, time: 99_999, to: .refused),
  ]

  @Test(arguments: rows) func everyRowOfTheTableHolds(_ row: Row) {
    var machine = Self.machine(in: row.from)
    #expect(machine.handle(row.input, at: second(row.time)) == row.answer)
    #expect(machine.state == row.to)
  }

  /// Brings a machine into a state by the inputs that lead there. Its connection ended at second 12.
  static func machine(in state: State, ended: Bool = true) -> ResumptionMachine {
    var machine = ResumptionMachine()
    _ = machine.handle(.setupSent(generation: 1), at: second(8))
    _ = machine.handle(.setupCompleted(generation: 1), at: second(9))
    if state != .none { _ = machine.handle(update(a), at: second(10)) }
    if state == withheld { _ = machine.handle(update(nil), at: second(11)) }
    if ended { _ = machine.handle(.connectionEnded(generation: 1), at: second(12)) }
    if state == .refused { _ = machine.handle(.resumeFailed(.handle), at: second(13)) }
    if state == .lapsed { _ = machine.handle(.timePassed, at: second(7212)) }
    #expect(machine.state == state)
    return machine
  }

  // MARK: Age

  @Test func aHandleIsUsedAfter1h59AndNotAfter2h01() {
    let machine = Self.machine(in: Self.withheld)
    #expect(machine.handleForDial(at: second(12 + 119 * 60)) == Self.a)
    #expect(machine.handleForDial(at: second(12 + 121 * 60)) == nil)
    #expect(machine.nextDeadline == second(12 + 7200))
  }

  @Test func aHandleDoesNotAgeUnderALivingConnection() {
    var machine = Self.machine(in: Self.current, ended: false)
    #expect(machine.handle(.timePassed, at: second(1_000_000)) == .nothing)
    #expect(machine.handleForDial(at: second(1_000_000)) == Self.a)
    #expect(machine.nextDeadline == .never)
    _ = machine.handle(.connectionEnded(generation: 1), at: second(1_000_000))
    #expect(machine.nextDeadline == second(1_007_200))
  }

  @Test func anAttemptThatFailsDoesNotMakeAHandleYounger() {
    var machine = Self.machine(in: Self.current)
    _ = machine.handle(.setupSent(generation: 2), at: second(100))
    _ = machine.handle(.connectionEnded(generation: 2), at: second(110))
    _ = machine.handle(.resumeFailed(.network), at: second(110))
    #expect(machine.nextDeadline == second(7212))
  }

  @Test func aResumeStopsTheAgeingAndItsEndBeginsItAnew() {
    var machine = Self.machine(in: Self.current)
    _ = machine.handle(.setupSent(generation: 2), at: second(100))
    _ = machine.handle(.setupCompleted(generation: 2), at: second(101))
    #expect(machine.nextDeadline == .never)
    _ = machine.handle(.connectionEnded(generation: 1), at: second(102))
    #expect(machine.nextDeadline == .never)
    _ = machine.handle(.connectionEnded(generation: 2), at: second(200))
    #expect(machine.nextDeadline == second(7400))
  }

  @Test func theOldConnectionsEndCountsWhileTheNewSetupIsUnderWay() {
    var machine = Self.machine(in: Self.current, ended: false)
    _ = machine.handle(.setupSent(generation: 2), at: second(100))
    _ = machine.handle(.connectionEnded(generation: 1), at: second(101))
    #expect(machine.nextDeadline == second(7301))
  }

  @Test func aRestoredHandleHasTheRestOfItsLife() {
    var machine = ResumptionMachine(restoring: Self.a, remaining: .seconds(60), at: second(5))
    #expect(machine.handleForDial(at: second(64)) == Self.a)
    #expect(machine.handle(.timePassed, at: second(65)) == .forget)
    #expect(machine.handleForDial(at: second(65)) == nil)
    let empty = ResumptionMachine(restoring: Secret(""), remaining: .seconds(60), at: second(5))
    #expect(empty.state == .none)
  }

  // MARK: Refusals

  @Test func aSecondSuspicionInARowDiscardsTheHandle() {
    var machine = Self.machine(in: Self.withheld)
    #expect(machine.handle(.resumeFailed(.suspicion), at: second(20)) == .nothing)
    #expect(machine.handle(.resumeFailed(.network), at: second(21)) == .nothing)
    #expect(machine.handle(.resumeFailed(.suspicion), at: second(22)) == .forget)
    #expect(machine.state == .refused)
  }

  @Test func aResumeThatWorksClearsTheSuspicion() {
    var machine = Self.machine(in: Self.withheld)
    _ = machine.handle(.resumeFailed(.suspicion), at: second(20))
    _ = machine.handle(.setupSent(generation: 2), at: second(21))
    _ = machine.handle(.setupCompleted(generation: 2), at: second(22))
    #expect(machine.handle(.resumeFailed(.suspicion), at: second(30)) == .nothing)
    #expect(machine.handleForDial(at: second(31)) == Self.a)
  }

  @Test func aHundredNetworkFailuresKeepTheHandle() {
    var machine = Self.machine(in: Self.withheld)
    for attempt in 0..<100 {
      _ = machine.handle(.setupSent(generation: UInt32(attempt) + 2), at: second(20))
      _ = machine.handle(.resumeFailed(.network), at: second(20))
    }
    #expect(machine.handleForDial(at: second(20)) == Self.a)
  }

  @Test func aPoisonedSessionsHandlesAreNotTakenUntilTheFreshOneBegins() {
    var machine = Self.machine(in: Self.current, ended: false)
    _ = machine.handle(.resumeFailed(.poisoned), at: second(20))
    #expect(machine.handle(Self.update(Self.b), at: second(21)) == .nothing)
    #expect(machine.handleForDial(at: second(21)) == nil)
    _ = machine.handle(.setupSent(generation: 2), at: second(22))
    #expect(machine.handle(Self.update(Self.b, generation: 1), at: second(23)) == .nothing)
    #expect(machine.handle(Self.update(Self.b, generation: 2), at: second(24)) == .persist)
    #expect(machine.handleForDial(at: second(25)) == Self.b)
  }

  // MARK: Whose updates count

  @Test func anOlderConnectionsHandleCountsUntilTheNewSetupHasBeenSent() {
    var machine = Self.machine(in: Self.current)
    #expect(machine.handle(Self.update(Self.b, generation: 1), at: second(20)) == .persist)
    _ = machine.handle(.setupSent(generation: 2), at: second(21))
    let late = Self.update(Secret("late"), generation: 1)
    #expect(machine.handle(late, at: second(22)) == .nothing)
    #expect(machine.handle(Self.update(nil, generation: 1), at: second(22)) == .nothing)
    #expect(machine.isCurrent)
    #expect(machine.handleForDial(at: second(23)) == Self.b)
  }

  @Test func theSameHandleAgainIsNoNewCheckpoint() {
    var machine = Self.machine(in: Self.withheld, ended: false)
    #expect(machine.handle(Self.update(Self.a), at: second(30)) == .nothing)
    #expect(machine.isCurrent)
    #expect(machine.handleIssuedAt == second(10))
  }

  @Test func thePublicHandleTellsItsAgeAndHidesItsValue() throws {
    let machine = Self.machine(in: Self.withheld)
    let noon = WallTime(nanosecondsSinceEpoch: 1_000_000_000_000)
    let handle = try #require(machine.publicHandle(at: second(25), wallTime: noon))
    #expect(handle.age == .seconds(15))
    #expect(handle.issuedAt.duration(to: noon) == .seconds(15))
    #expect(!handle.isCurrent)
    #expect(!"\(handle)".contains("handle-a"))
    #expect(!"\(machine)".contains("handle-a"))
    #expect(machine.publicHandle(at: second(8000), wallTime: noon) == nil)
  }

  @Test func whatASessionKnowsOfItsResumptionFitsIn64Bytes() {
    #expect(MemoryLayout<ResumptionMachine>.stride <= 64)
  }
}

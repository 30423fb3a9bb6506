// SPDX-License-Identifier: Apache-2.0

import LiveBroker
import Testing

/// The instant that lies so many seconds after the clock's beginning.
func second(_ seconds: Double) -> EngineInstant {
  EngineInstant(nanoseconds: Int64(seconds * 1e9))
}

@Suite struct TokenMachineTests {
  typealias State = TokenMachine.State
  typealias Input = TokenMachine.Input
  typealias Answer = TokenMachine.Answer

  /// One row of the table: a state, what comes in and when, the state after it, and the answer.
  struct Row: Sendable, CustomTestStringConvertible {
    var from: State
    var input: Input
    var time: Double = 20
    var to: State
    var answer: Answer = .nothing
    var testDescription: String { "\(from) + \(input) at \(time)" }
  }

  static let minting = State.minting(attempt: 1)
  static let open = State.open(
    newSessionUntil: second(70), expiresAt: second(1810), usesLeft: .limited(1))
  static let openTwice = State.open(
    newSessionUntil: second(70), expiresAt: second(1810), usesLeft: .limited(2))
  static let openForAll = State.open(
    newSessionUntil: second(70), expiresAt: second(1810), usesLeft: .unlimited)
  static let resumeOnly = State.resumeOnly(expiresAt: second(1810))
  static let failed = State.failed(.keyRefused)
  static let minted = Input.minted(
    sentAt: second(10), window: .seconds(60), life: .seconds(1800), uses: .limited(1))

  static let rows: [Row] = [
    Row(from: minting, input: minted, to: open),
    Row(from: minting, input: minted, time: 70, to: resumeOnly, answer: .stopStarting),
    Row(from: minting, input: minted, time: 1810, to: .expired, answer: .retire),
    Row(
      from: minting, input: .mintFailed(nil), to: .minting(attempt: 2),
      answer: .mintAgain(attempt: 2)),
    Row(
      from: minting, input: .mintFailed(.requestRefused), to: .failed(.requestRefused),
      answer: .retire),
    Row(from: minting, input: .sessionStarted, to: minting),
    Row(from: minting, input: .timePassed, time: 100_000, to: minting),
    Row(from: minting, input: .spentReported, to: minting),
    Row(from: minting, input: .expiryReported, to: minting),

    Row(from: open, input: minted, to: open),
    Row(from: open, input: .mintFailed(nil), to: open),
    Row(from: open, input: .mintFailed(.keyRefused), to: open),
    Row(from: open, input: .sessionStarted, to: resumeOnly, answer: .stopStarting),
    Row(from: openTwice, input: .sessionStarted, to: open),
    Row(from: openForAll, input: .sessionStarted, to: openForAll),
    Row(from: open, input: .timePassed, time: 69.9, to: open),
    Row(from: open, input: .timePassed, time: 70, to: resumeOnly, answer: .stopStarting),
    Row(from: open, input: .timePassed, time: 1810, to: .expired, answer: .retire),
    Row(from: open, input: .spentReported, to: .failed(.spent), answer: .retire),
    Row(from: open, input: .expiryReported, to: .expired, answer: .retire),
    // Time first, then the input in the state that time has made.
    Row(from: open, input: .sessionStarted, time: 70, to: resumeOnly, answer: .stopStarting),

    Row(from: resumeOnly, input: minted, to: resumeOnly),
    Row(from: resumeOnly, input: .mintFailed(.keyRefused), to: resumeOnly),
    Row(from: resumeOnly, input: .sessionStarted, to: resumeOnly),
    Row(from: resumeOnly, input: .timePassed, time: 1809.9, to: resumeOnly),
    Row(from: resumeOnly, input: .timePassed, time: 1810, to: .expired, answer: .retire),
    Row(from: resumeOnly, input: .spentReported, to: .failed(.spent), answer: .retire),
    Row(from: resumeOnly, input: .expiryReported, to: .expired, answer: .retire),

    Row(from: .expired, input: minted, to: .expired),
    Row(from: .expired, input: .mintFailed(.keyRefused), to: .expired),
    Row(from: .expired, input: .sessionStarted, to: .expired),
    Row(from: .expired, input: .timePassed, time: 9_999, to: .expired),
    Row(from: .expired, input: .spentReported, to: .expired),
    Row(from: .expired, input: .expiryReported, to: .expired),

    Row(from: failed, input: minted, to: failed),
    Row(from: failed, input: .mintFailed(.abandoned), to: failed),
    Row(from: failed, input: .sessionStarted, to: failed),
    Row(from: failed, input: .timePassed, time: 9_999, to: failed),
    Row(from: failed, input: .spentReported, to: failed),
    Row(from: failed, input: .expiryReported, to: failed),
  ]

  @Test(arguments: rows) func everyRowOfTheTableHolds(_ row: Row) {
    var machine = Self.machine(in: row.from)
    #expect(machine.handle(row.input, at: second(row.time)) == row.answer)
    #expect(machine.state == row.to)
  }

  /// Brings a machine into a state by the inputs that lead there.
  static func machine(in state: State) -> TokenMachine {
    var machine = TokenMachine()
    let uses: TokenUses
    switch state {
    case .open(_, _, let left): uses = left
    case .minting, .resumeOnly, .expired, .failed: uses = .limited(1)
    }
    if case .failed(let reason) = state {
      _ = machine.handle(.mintFailed(reason), at: second(10))
    } else if state != minting {
      let minted = Input.minted(
        sentAt: second(10), window: .seconds(60), life: .seconds(1800), uses: uses)
      _ = machine.handle(minted, at: second(11))
    }
    if state == resumeOnly { _ = machine.handle(.sessionStarted, at: second(12)) }
    if state == .expired { _ = machine.handle(.expiryReported, at: second(12)) }
    #expect(machine.state == state)
    return machine
  }

  @Test func aTokenOf59SecondsDoesNotStartASessionWhenTheDialTakesThree() {
    var margins = TokenMargins()
    margins.start = .seconds(3)
    let token = Self.machine(in: Self.open)
    #expect(token.canStart(at: second(66.9), margin: margins))
    #expect(!token.canStart(at: second(67), margin: margins))
    #expect(!token.canStart(at: second(69), margin: margins))
  }

  @Test func aMarginTakesAtMostAFifthOfTheWindow() {
    var margins = TokenMargins()
    margins.start = .seconds(3600)
    let token = Self.machine(in: Self.open)
    #expect(token.canStart(at: second(57.9), margin: margins))
    #expect(!token.canStart(at: second(58), margin: margins))
  }

  @Test func aNegativeMarginCountsAsNone() {
    var margins = TokenMargins()
    margins.start = .seconds(-10)
    let token = Self.machine(in: Self.open)
    #expect(token.canStart(at: second(69.9), margin: margins))
    #expect(!token.canStart(at: second(70), margin: margins))
  }

  @Test func resumingIsPossibleUntilShortlyBeforeTheExpiryAndTalkingUntilIt() {
    let margins = TokenMargins()
    for token in [Self.machine(in: Self.open), Self.machine(in: Self.resumeOnly)] {
      #expect(token.canResume(at: second(1804.9), margin: margins))
      #expect(!token.canResume(at: second(1805), margin: margins))
      #expect(token.canTalk(at: second(1809.9)))
      #expect(!token.canTalk(at: second(1810)))
      #expect(token.renewBy(margin: margins) == second(1750))
    }
  }

  @Test(arguments: [minting, .expired, failed])
  func aTokenThatIsNotValidAllowsNothingAndHasNoDeadline(_ state: State) {
    let token = Self.machine(in: state)
    #expect(!token.canStart(at: second(20), margin: TokenMargins()))
    #expect(!token.canResume(at: second(20), margin: TokenMargins()))
    #expect(!token.canTalk(at: second(20)))
    #expect(token.renewBy(margin: TokenMargins()) == .never)
    #expect(token.nextDeadline == .never)
  }

  @Test func theNextDeadlineIsTheWindowThenTheExpiry() {
    var token = Self.machine(in: Self.open)
    #expect(token.nextDeadline == second(70))
    _ = token.handle(.timePassed, at: token.nextDeadline)
    #expect(token.nextDeadline == second(1810))
    _ = token.handle(.timePassed, at: token.nextDeadline)
    #expect(token.nextDeadline == .never)
  }

  @Test func aWindowNeverOutlivesTheToken() {
    let token = TokenMachine(
      sentAt: second(10), window: .seconds(60), life: .seconds(30), uses: .unlimited, at: second(11)
    )
    #expect(token.nextDeadline == second(40))
  }

  @Test(arguments: [(0, TokenUses.unlimited), (-3, .unlimited), (1, .limited(1)), (7, .limited(7))])
  func usesAreSpelledAsTheServiceDoes(_ uses: Int, _ expected: TokenUses) {
    #expect(TokenUses(uses) == expected)
    #expect(TokenUses(.max) == .limited(.max))
  }

  @Test func aTokenFitsIn48Bytes() {
    #expect(MemoryLayout<TokenMachine>.stride <= 48)
  }
}

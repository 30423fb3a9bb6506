// SPDX-License-Identifier: Apache-2.0

#if NIO
import Synchronization
import Testing

@testable import LiveBroker
@testable import LiveBrokerDemo

@Suite struct TalkScreenTests {
  /// Both streams of a process on one terminal, as far as a talk uses one.
  private final class Terminal: Sendable {
    private struct State {
      var rows: [[Character]] = [[]]
      var row = 0
      var column = 0
      var saved = (row: 0, column: 0)
      var raw = ""
    }

    private let state = Mutex(State())
    private let width: Int
    private let height: Int

    init(width: Int = 80, height: Int = 24) {
      self.width = width
      self.height = height
    }

    /// The rows down to the one with the cursor.
    var rows: [String] { state.withLock { $0.rows.prefix($0.row + 1).map { String($0) } } }
    /// All that was ever written.
    var raw: String { state.withLock { $0.raw } }
    var cursor: [Int] { state.withLock { [$0.row, $0.column] } }

    func screen(_ style: TalkScreen.Style, sessions: Int = 1) -> TalkScreen {
      TalkScreen(
        style, sessions: sessions, length: .seconds(60), columns: { self.width },
        out: { self.write($0) }, err: { self.write($0) })
    }

    func write(_ text: String) {
      state.withLock { state in
        state.raw += text
        var rest = Substring(text)
        while let character = rest.popFirst() {
          switch character {
          case "\u{1B}": escape(&rest, &state)
          case "\n":
            down(&state, scrolls: true)
            state.column = 0
          case "\r": state.column = 0
          default: put(character, &state)
          }
        }
      }
    }

    private func put(_ character: Character, _ state: inout State) {
      if state.column == width {
        down(&state, scrolls: true)
        state.column = 0
      }
      var row = state.rows[state.row]
      row += Array(repeating: " ", count: max(0, state.column + 1 - row.count))
      row[state.column] = character
      state.rows[state.row] = row
      state.column += 1
    }

    private func down(_ state: inout State, scrolls: Bool) {
      guard state.row == height - 1 else {
        state.row += 1
        if state.row == state.rows.count { state.rows.append([]) }
        return
      }
      if scrolls { state.rows = state.rows.dropFirst() + [[]] }
    }

    private func escape(_ rest: inout Substring, _ state: inout State) {
      switch rest.popFirst() {
      case "7": state.saved = (state.row, state.column)
      case "8": (state.row, state.column) = state.saved
      case "[":
        let code = rest.prefix { !$0.isLetter }
        rest = rest.dropFirst(code.count)
        switch (code, rest.popFirst()) {
        case ("", "A"): state.row = max(0, state.row - 1)
        case ("", "B"): down(&state, scrolls: false)
        case ("", "L"):
          state.rows.insert([], at: state.row)
          state.rows = Array(state.rows.prefix(height))
        case ("", "K"): state.rows[state.row] = Array(state.rows[state.row].prefix(state.column))
        case ("2", "K"): state.rows[state.row] = []
        case (_, "m"): break
        case (let code, let letter):
          Issue.record("escape sequence \(code)\(letter.map(String.init) ?? "")")
        }
      case let other: Issue.record("escape \(String(describing: other))")
      }
    }
  }

  private static let long =
    "rotation to connection 2, 20.3 ms without a connection, with a new token"

  @Test func anEventStandsInOneLineAndGivesWayToWords() {
    let terminal = Terminal()
    let screen = terminal.screen(.inPlace)
    screen.event(Self.long, at: .seconds(12))
    #expect(terminal.rows.map(\.count) == [79])
    screen.event("second", at: .seconds(25))
    #expect(terminal.rows == ["  [00:25] second"])
    screen.say("You said: ")
    screen.say("Hello")
    screen.endTurn()
    screen.event("third", at: .seconds(40))
    screen.finish()
    #expect(terminal.rows == ["You said: Hello", ""])
  }

  @Test(arguments: [TalkScreen.Style.inPlace, .aboveInput, .lines])
  func wordsStayWholeAndWhatHappensInTheirMidstIsToldBehindThem(_ style: TalkScreen.Style) {
    let terminal = Terminal()
    let screen = terminal.screen(style)
    screen.say("You said: Hel")
    screen.event("in their midst", at: .seconds(3))
    screen.say("lo")
    #expect(terminal.rows == ["You said: Hello"])
    screen.endTurn()
    #expect(
      terminal.rows.filter { !$0.isEmpty } == ["You said: Hello", "  [00:03] in their midst"])
  }

  @Test(arguments: [3, 24])
  func aLineThatIsBeingTypedStaysWhereItIs(_ height: Int) {
    let terminal = Terminal(width: 60, height: height)
    let screen = terminal.screen(.aboveInput)
    screen.greet("Type")
    terminal.write("earlier\nhalf a li")
    screen.event(Self.long, at: .seconds(12))
    #expect(terminal.rows.last == "half a li")
    #expect(terminal.rows.dropLast().last?.hasPrefix("  [00:12] rotation to") == true)
    #expect(terminal.rows.dropLast().last?.count == 59)
    terminal.write("ne")
    #expect(terminal.rows.last == "half a line")
    screen.event("second", at: .seconds(25))
    #expect(terminal.rows.suffix(2) == ["  [00:25] second", "half a line"])
    #expect(terminal.rows.count == min(height, 5))
    screen.finish()
    #expect(terminal.rows.last == "")
    #expect(terminal.cursor == [terminal.rows.count - 1, 0])
  }

  @Test func whereNothingCanBeDrawnThereIsNoEscapeSequence() {
    let terminal = Terminal(width: 40)
    let screen = terminal.screen(.lines)
    screen.greet("Type")
    screen.event(Self.long, at: .seconds(12))
    screen.say("Hello")
    screen.finish()
    #expect(terminal.raw == "Type\n  [00:12] \(Self.long)\nHello\n")
  }

  @Test func wordsWithoutAnEndDoNotHoldEventsBackForEver() {
    let terminal = Terminal(height: 100)
    let screen = terminal.screen(.lines)
    screen.say("and so on")
    for second in 0..<25 { screen.event("event \(second)", at: .seconds(second)) }
    #expect(terminal.rows.contains("  [00:00] event 0"))
    screen.finish()
    #expect(terminal.rows.count { $0.contains("event") } == 25)
  }

  @Test(arguments: [TalkScreen.Style.inPlace, .aboveInput, .lines])
  func whatComesFromAfarDoesNotSteerTheTerminal(_ style: TalkScreen.Style) {
    let terminal = Terminal()
    let screen = terminal.screen(style)
    screen.say("one\u{1B}[2Jtwo\u{7}\u{9B}31m\nthree\n")
    screen.event("closed: \u{1B}]0;title\u{7}\nnext", at: .zero)
    #expect(!terminal.raw.contains("\u{1B}[2J") && !terminal.raw.contains("\u{1B}]"))
    #expect(!terminal.raw.contains("\u{7}") && !terminal.raw.contains("\u{9B}"))
    #expect(terminal.raw.contains("\nthree\n"))
    #expect(terminal.raw.contains("title\u{FFFD}\u{FFFD}next"))
  }

  @Test func ofManySessionsThereIsABarOfOneLineWithEventsAboveIt() {
    let terminal = Terminal(width: 60)
    let screen = terminal.screen(.inPlace, sessions: 1_000)
    let note = "  2,000 rotations, 1,000 renewals, 12 losses"
    for second in 1...3 { screen.progress(at: .seconds(second), live: 1_000, note) }
    #expect(terminal.rows.count == 1)
    screen.event("storm", at: .seconds(4))
    screen.progress(at: .seconds(5), live: 1_000, note)
    #expect(terminal.rows.count == 2)
    #expect(terminal.rows[0].hasPrefix("  [00:04] storm"))
    screen.finish()
    #expect(terminal.rows[1].allSatisfy { $0 == " " })
  }
}

@Suite struct TalkNewsTests {
  private func words(_ change: (inout ReconnectReport) -> Void) -> String {
    var report = ReconnectReport(
      cause: .connectionLost("reset"), outcome: .resumed, at: .zero, gap: .milliseconds(90),
      longestHeld: .zero, dials: 1, credentialRenewed: false, handleAge: .seconds(1),
      generation: 2, uncertain: Losses(), dropped: Losses(), resentMessages: 0, lostCalls: [])
    change(&report)
    return TalkNews.words(report)
  }

  @Test func everythingThatWasLostIsTold() {
    #expect(
      words { _ in }
        == "connection lost: reset; back on connection 2 after 90.0 ms without a connection")
    #expect(words { $0.dropped.textMessages = 2 }.hasSuffix(", 2 texts lost"))
    #expect(words { $0.uncertain.textMessages = 1 }.hasSuffix(", 1 text uncertain"))
    #expect(words { $0.dropped.toolResponses = 1 }.hasSuffix(", 1 tool response lost"))
    #expect(
      words { $0.uncertain.audio = [0..<6_400] }.hasSuffix(", 6,400 bytes of speech uncertain"))
    #expect(words { $0.resentMessages = 1 }.hasSuffix(", 1 message sent again"))
    #expect(words { $0.lostCalls = ["a", "b"] }.hasSuffix(", 2 calls lost"))
  }
}
#endif

// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Synchronization

/// The terminal of a talk: the model's words on standard output; on standard error, quietly, what
/// the broker does meanwhile.
///
/// Words stay whole: what happens in the midst of them is told behind them. Everything is told to it
/// with the time, and it writes through two closures, so that it needs neither clock nor terminal to
/// be tested.
final class TalkScreen: Sendable {
  /// How events are shown.
  enum Style: Sendable {
    /// In one line of a terminal, each in the place of the last; it gives way to words.
    case inPlace
    /// On a terminal where somebody types: in a line of its own above the one that is being typed.
    case aboveInput
    /// A line each.
    case lines
    /// Not at all, nor words.
    case silent
  }

  private struct State {
    /// Whether words have been written behind which no line has ended yet.
    var isWithinLine = false
    /// Events that came in the midst of words.
    var waiting: [String] = []
    var isStatusShown = false
    var bar: ProgressBar
    var nextLine = Duration.zero
  }

  private let style: Style
  private let sessions: Int
  private let state: Mutex<State>
  private let columns: @Sendable () -> Int
  private let out: @Sendable (String) -> Void
  private let err: @Sendable (String) -> Void

  /// How often a long run of many sessions says where it is, if not on a terminal.
  private static let lineInterval = Duration.seconds(10)
  /// Of a turn without an end, words are broken for so many events.
  private static let patience = 20

  /// - Parameter columns: How wide the terminal is now.
  init(
    _ style: Style, sessions: Int, length: Duration?,
    columns: @escaping @Sendable () -> Int = { Console.columns },
    out: @escaping @Sendable (String) -> Void = Console.print,
    err: @escaping @Sendable (String) -> Void = Console.draw
  ) {
    self.style = style
    self.sessions = sessions
    self.columns = columns
    self.out = out
    self.err = err
    state = Mutex(
      State(
        bar: ProgressBar(
          length: length ?? .zero, sessions: sessions, isVisible: style == .inPlace)))
  }

  // MARK: Words

  /// Tells whoever types what to do.
  func greet(_ text: String) {
    guard style != .silent else { return }
    err(styled(printable(text)) + "\n")
  }

  /// The model says something of its turn.
  func say(_ words: String) {
    guard style != .silent, sessions == 1 else { return }
    state.withLock { state in
      clear(&state)
      out(printable(words))
      state.isWithinLine = !words.hasSuffix("\n")
      if !state.isWithinLine { showWaiting(&state) }
    }
  }

  /// The model's turn is over.
  func endTurn() {
    guard style != .silent, sessions == 1 else { return }
    state.withLock { endLine(&$0) }
  }

  // MARK: Events

  /// Something happened at a time since the beginning.
  func event(_ text: String, at time: Duration) {
    guard style != .silent else { return }
    let line = "  [\(clockText(time))] \(printableLine(text))"
    state.withLock { state in
      guard state.isWithinLine else { return show(line, &state) }
      state.waiting.append(line)
      if state.waiting.count >= Self.patience { endLine(&state) }
    }
  }

  /// Where a run of many sessions is.
  func progress(at time: Duration, live: Int, _ note: String) {
    guard style != .silent, sessions > 1 else { return }
    state.withLock { state in
      let drawing = state.bar.draw(
        virtual: time, live: live, wall: time, note: note, columns: columns())
      if let drawing { err(drawing) }
      guard style == .lines, time >= state.nextLine else { return }
      state.nextLine = time + Self.lineInterval
      err("  [\(clockText(time))] \(grouped(live)) of \(grouped(sessions)) live\(note)\n")
    }
  }

  /// Leaves the terminal as a program that ends should.
  func finish() {
    state.withLock { state in
      endLine(&state)
      clear(&state)
      // What somebody began to type, or the echo of Ctrl-C.
      if style == .aboveInput { err("\r\u{1B}[K") }
    }
  }

  // MARK: Lines

  private func endLine(_ state: inout State) {
    if state.isWithinLine { out("\n") }
    state.isWithinLine = false
    showWaiting(&state)
  }

  private func showWaiting(_ state: inout State) {
    for line in state.waiting { show(line, &state) }
    state.waiting = []
  }

  private func show(_ line: String, _ state: inout State) {
    clear(&state)
    switch style {
    case .silent: break
    case .inPlace where sessions == 1:
      err(styled(shortened(line, to: columns() - 1)))
      state.isStatusShown = true
    case .aboveInput:
      // Makes room below, which scrolls in the last row alone; then puts in a row above the cursor's.
      let text = styled(shortened(line, to: columns() - 1))
      err("\u{1B}7\n\u{1B}[A\r\u{1B}[L" + text + "\u{1B}8\u{1B}[B")
    case .inPlace, .lines: err(line + "\n")
    }
  }

  /// Quietly, where a terminal can.
  private func styled(_ text: String) -> String {
    style == .lines ? text : "\u{1B}[2m" + text + "\u{1B}[0m"
  }

  /// Takes away what stands in place.
  private func clear(_ state: inout State) {
    if let text = state.bar.erase() { err(text) }
    if state.isStatusShown { err("\r\u{1B}[2K") }
    state.isStatusShown = false
  }
}

/// What one session's listener hands on: words to the screen, the voice to a file.
struct TalkOutput: SessionListener.Output {
  let screen: TalkScreen
  let voice: WAVWriter?

  func said(_ text: String) { screen.say(text) }
  func spoke(_ pcm: [UInt8]) { voice?.append(pcm) }
  func turnEnded() { screen.endTurn() }
}
#endif

// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import Synchronization

/// The terminal of a talk: the model's words on standard output; on standard error, quietly, what
/// the broker does meanwhile.
///
/// On a terminal the last event stands in a line of its own that gives way to words and to the next
/// event; elsewhere each event is a line. Everything is told to it with the time, and it writes
/// through two closures, so that it needs neither clock nor terminal to be tested.
final class TalkScreen: Sendable {
  /// How events are shown.
  enum Style: Sendable {
    /// In one line of a terminal, each in the place of the last.
    case inPlace
    /// A line each.
    case lines
    /// Not at all, nor words.
    case silent
  }

  private struct State {
    /// Whether words have been written behind which no line has ended yet.
    var isWithinLine = false
    var shown = ""
    var bar: ProgressBar
    var nextLine = Duration.zero
  }

  private let style: Style
  private let sessions: Int
  private let state: Mutex<State>
  private let out: @Sendable (String) -> Void
  private let err: @Sendable (String) -> Void

  /// How often a long run of many sessions says where it is, if not on a terminal.
  private static let lineInterval = Duration.seconds(10)

  init(
    _ style: Style, sessions: Int, length: Duration?,
    out: @escaping @Sendable (String) -> Void = Console.print,
    err: @escaping @Sendable (String) -> Void = Console.draw
  ) {
    self.style = style
    self.sessions = sessions
    self.out = out
    self.err = err
    state = Mutex(
      State(
        bar: ProgressBar(
          length: length ?? .zero, sessions: sessions, isVisible: style == .inPlace)))
  }

  // MARK: Words

  /// The model says something of its turn.
  func say(_ words: String) {
    guard style != .silent, sessions == 1 else { return }
    state.withLock { state in
      clear(&state)
      out(words)
      state.isWithinLine = !words.hasSuffix("\n")
    }
  }

  /// The model's turn is over.
  func endTurn() {
    guard style != .silent, sessions == 1 else { return }
    state.withLock { state in
      if state.isWithinLine { out("\n") }
      state.isWithinLine = false
    }
  }

  // MARK: Events

  /// Something happened at a time since the beginning.
  func event(_ text: String, at time: Duration) {
    guard style != .silent else { return }
    let line = "  [\(clockText(time))] \(text)"
    state.withLock { state in
      clear(&state)
      switch style {
      case .silent: break
      // Words stay whole: what comes in the midst of them is left out.
      case .inPlace where sessions == 1:
        guard !state.isWithinLine else { return }
        err("\u{1B}[2m" + line + "\u{1B}[0m")
        state.shown = line
      case .inPlace: err(line + "\n")
      case .lines:
        if state.isWithinLine { out("\n") }
        state.isWithinLine = false
        err(line + "\n")
      }
    }
  }

  /// Where a run of many sessions is.
  func progress(at time: Duration, live: Int, _ note: String) {
    guard style != .silent, sessions > 1 else { return }
    state.withLock { state in
      if let text = state.bar.draw(virtual: time, live: live, wall: time, note: note) { err(text) }
      guard style == .lines, time >= state.nextLine else { return }
      state.nextLine = time + Self.lineInterval
      err("  [\(clockText(time))] \(grouped(live)) of \(grouped(sessions)) live\(note)\n")
    }
  }

  /// Leaves the terminal as a program that ends should.
  func finish() {
    state.withLock { state in
      if state.isWithinLine { out("\n") }
      state.isWithinLine = false
      clear(&state)
    }
  }

  /// Takes away what stands in place.
  private func clear(_ state: inout State) {
    if let text = state.bar.erase() { err(text) }
    guard !state.shown.isEmpty else { return }
    state.shown = ""
    err("\r\u{1B}[2K")
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

// SPDX-License-Identifier: Apache-2.0

/// A bar that shows how far a run has come. Draws nothing unless the stream is a terminal.
///
/// It takes the wall's time as an argument and answers with the text to write, so that it needs
/// neither a clock nor a terminal to be tested.
struct ProgressBar {
  /// Redrawing more often than this costs time and shows nothing.
  static let interval = Duration.milliseconds(100)

  let isVisible: Bool
  /// The length of the run in virtual time.
  let length: Duration
  let sessions: Int
  private var nextDrawing = Duration.zero
  private var drawnWidth = 0

  init(length: Duration, sessions: Int, isVisible: Bool) {
    self.length = length
    self.sessions = sessions
    self.isVisible = isVisible
  }

  /// What to write now, or nil if nothing: beginning with a carriage return, without a line break.
  mutating func draw(
    virtual: Duration, live: Int, wall: Duration, note: String = ""
  ) -> String? {
    guard isVisible, wall >= nextDrawing else { return nil }
    nextDrawing = wall + Self.interval
    return overwrite(text(virtual: virtual, live: live, wall: wall) + note)
  }

  /// What to write at the end, so that the line of the bar is empty again; nil if it never drew.
  mutating func erase() -> String? {
    guard drawnWidth > 0 else { return nil }
    return overwrite("") + "\r"
  }

  private func text(virtual: Duration, live: Int, wall: Duration) -> String {
    let share = length > .zero ? min(max(virtual / length, 0), 1) : 1
    let cells = 30
    let full = Int(share * Double(cells))
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: cells - full)
    let percent = String(Int(share * 100))
    let indent = String(repeating: " ", count: 3 - percent.count)
    return "\(indent)\(percent)% \(bar) \(clockText(virtual)) of \(clockText(length))  "
      + "\(grouped(live)) of \(grouped(sessions)) live  \(fixed(wall.inSeconds, 1)) s"
  }

  private mutating func overwrite(_ text: String) -> String {
    defer { drawnWidth = text.count }
    return "\r" + padded(text, to: drawnWidth)
  }
}

/// A time of the virtual clock: `31:05`, or `2:31:05` from an hour on.
func clockText(_ time: Duration) -> String {
  let seconds = max(0, time.components.seconds)
  func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
  let minutesAndSeconds = two(seconds / 60 % 60) + ":" + two(seconds % 60)
  return seconds < 3600 ? minutesAndSeconds : "\(seconds / 3600):" + minutesAndSeconds
}

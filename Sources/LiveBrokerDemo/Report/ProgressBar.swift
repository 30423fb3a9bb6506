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
  ///
  /// - Parameter columns: How wide the terminal is now. A line that wraps could not be overwritten.
  mutating func draw(
    virtual: Duration, live: Int, wall: Duration, note: String = "", columns: @autoclosure () -> Int
  ) -> String? {
    guard isVisible, wall >= nextDrawing else { return nil }
    nextDrawing = wall + Self.interval
    let width = max(1, columns() - 1)
    let share = length > .zero ? min(max(virtual / length, 0), 1) : 1
    var words = " \(clockText(virtual)) of \(clockText(length))  "
    words += "\(grouped(live)) of \(grouped(sessions)) live"
    // A run in real time need not say its time twice.
    if wall != virtual { words += "  \(fixed(wall.inSeconds, 1)) s" }
    words += note
    drawnWidth = min(drawnWidth, width)
    return overwrite(shortened(Self.bar(share, within: width - words.count) + words, to: width))
  }

  /// What to write at the end, so that the line of the bar is empty again; nil if it never drew.
  mutating func erase() -> String? {
    guard drawnWidth > 0 else { return nil }
    return overwrite("") + "\r"
  }

  /// The share as a number and a bar, which is left out if only a stump of it would fit.
  private static func bar(_ share: Double, within width: Int) -> String {
    let percent = String(Int(share * 100))
    let number = String(repeating: " ", count: 3 - percent.count) + percent + "%"
    let cells = min(30, width - number.count - 1)
    guard cells >= 5 else { return number }
    let full = Int(share * Double(cells))
    return number + " " + String(repeating: "█", count: full)
      + String(repeating: "░", count: cells - full)
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

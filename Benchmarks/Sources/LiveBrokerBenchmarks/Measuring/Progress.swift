// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One line on standard error, redrawn, where that is a terminal.
struct Progress: Sendable {
  let isVisible = isatty(FileHandle.standardError.fileDescriptor) == 1

  func show(_ title: String, _ share: Double) {
    guard isVisible else { return }
    let full = Int(min(max(share, 0), 1) * 20)
    let bar = String(repeating: "█", count: full) + String(repeating: "░", count: 20 - full)
    try? FileHandle.standardError.write(contentsOf: Data("\r\(bar) \(title)\u{1B}[K".utf8))
  }

  func clear() {
    guard isVisible else { return }
    try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K".utf8))
  }
}

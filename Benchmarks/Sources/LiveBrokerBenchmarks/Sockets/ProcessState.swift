// SPDX-License-Identifier: Apache-2.0

#if NIO
import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Files that this process has open, sockets and pipes included.
enum OpenFiles {
  #if os(Linux)
  private static let folder = "/proc/self/fd"
  #else
  private static let folder = "/dev/fd"
  #endif

  /// How many there are; the one that reads the list is left out.
  static var count: Int {
    max(0, ((try? FileManager.default.contentsOfDirectory(atPath: folder))?.count ?? 0) - 1)
  }

  /// What they are, by number.
  static var list: [String: String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.reduce(into: [:]) { list, name in
      let target = try? FileManager.default.destinationOfSymbolicLink(
        atPath: "\(folder)/\(name)")
      if let target, !target.hasSuffix("/fd") { list[name] = target }
    }
  }

  /// How many there may be.
  static var limit: Int {
    var limit = rlimit()
    getrlimit(kind, &limit)
    return Int(clamping: limit.rlim_cur)
  }

  /// Raises the limit to what the system lets this process have.
  static func allowAll() {
    var limit = rlimit()
    getrlimit(kind, &limit)
    limit.rlim_cur = limit.rlim_max
    setrlimit(kind, &limit)
  }

  #if canImport(Darwin)
  private static let kind = RLIMIT_NOFILE
  #else
  private static let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
  #endif
}

/// Memory of this process by the system's account; zeros where it keeps none.
enum Memory {
  /// Bytes that are resident now.
  static var resident: Int { field("VmRSS:") }

  /// The most that were resident since the last ``resetPeak()``.
  static var peak: Int { field("VmHWM:") }

  /// Begins a new peak at what is resident now.
  static func resetPeak() {
    try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
  }

  private static func field(_ name: String) -> Int {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else {
      return 0
    }
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      return words.count > 1 ? (Int(words[1]) ?? 0) * 1_024 : 0
    }
    return 0
  }
}
#endif

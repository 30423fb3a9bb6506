// SPDX-License-Identifier: Apache-2.0

/// One thing that is measured. To add one: a conforming type in a file of its own, named in `Main`.
protocol Benchmark: Sendable {
  static var name: String { get }
  static var summary: String { get }
  static func measure(_ options: Options, _ progress: Progress) throws -> [Figure]
}

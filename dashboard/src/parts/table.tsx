import type { ComponentChildren } from 'preact';
import { Empty } from './page.js';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly align?: 'right';
}

interface TableProps<Row> {
  /** What it lists, for who cannot see it. */
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  /** What is said where there is no row. */
  readonly empty: string;
  /** Where there are more rows than are shown. */
  readonly total?: number;
}

/** A table; on a narrow screen a card for each row, with the titles beside the values. */
export function Table<Row>({ caption, rows, columns, keyOf, empty, total }: TableProps<Row>) {
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  return (
    <>
      <table>
        <caption class="sr">{caption}</caption>
        <thead><tr>{columns.map(({ title, align }) => <th key={title} scope="col" class={align}>{title}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, cell, align }) => <td key={title} data-title={title} class={align}>{cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
      {total !== undefined && total > rows.length && <p class="more">The first {rows.length} of {total}.</p>}
    </>
  );
}
